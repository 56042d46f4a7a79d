import "@/styles/theme.css";
import "@/styles/base.css";
import "@/styles/controls.css";
import "@/styles/blocks.css";
// Parts of a few lines that many pages share come with the first one: each request of its own keeps a page waiting.
import "@/ui/FoldSection.vue";
import "@/ui/LabelledTick.vue";

import { createPinia } from "pinia";
import { createApp } from "vue";

import App from "@/pages/App.vue";
import { router } from "@/pages/router";
import { watchViewerLinks } from "@/pages/viewerAhead";

createApp(App).use(createPinia()).use(router).mount("#page");
watchViewerLinks(document);
