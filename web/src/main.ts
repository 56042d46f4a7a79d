import "@/styles/base.css";

import { createPinia } from "pinia";
import { createApp } from "vue";

import App from "@/pages/App.vue";
import { router } from "@/pages/router";

createApp(App).use(createPinia()).use(router).mount("#page");
