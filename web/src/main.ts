import "@/styles/theme.css";
import "@/styles/base.css";
import "@/styles/controls.css";
import "@/styles/blocks.css";

import { createPinia } from "pinia";
import { createApp } from "vue";

import App from "@/pages/App.vue";
import { router } from "@/pages/router";
import { watchViewerLinks } from "@/pages/viewerAhead";

createApp(App).use(createPinia()).use(router).mount("#page");
watchViewerLinks(document);
