import { createRouter, createWebHistory, type RouteLocationNormalized } from "vue-router";

import HomePage from "@/pages/HomePage.vue";
import { beginViewer, loadViewerPage } from "@/pages/viewerAhead";

const byId = (route: RouteLocationNormalized) => ({ id: Number(route.params.id) });

export const router = createRouter({
  // Not Vite's base: the files lie below /static/page/, the pages do not.
  history: createWebHistory("/"),
  routes: [
    { path: "/", component: HomePage, meta: { title: "Home" } },
    { path: "/patients/:id(\\d+)", component: HomePage, props: (route) => ({ patient: byId(route).id }), meta: { title: "Patient" } },
    { path: "/uploads/:id(\\d+)", component: () => import("@/pages/UploadPage.vue"), props: byId, meta: { title: "Upload" } },
    { path: "/studies/:id(\\d+)", component: () => import("@/pages/StudyPage.vue"), props: byId, meta: { title: "Study" } },
    { path: "/series/:id(\\d+)", component: loadViewerPage, beforeEnter: (to) => beginViewer(byId(to).id), props: byId, meta: { title: "Viewer", page: "viewer" } },
    { path: "/viewer", component: loadViewerPage, beforeEnter: () => beginViewer(), meta: { title: "Viewer", page: "viewer" } },
    { path: "/measure", component: () => import("@/pages/MeasurePage.vue"), meta: { title: "Measure" } },
    { path: "/run", component: () => import("@/pages/BatchPage.vue"), meta: { title: "Run a step" } },
    { path: "/projects", component: () => import("@/pages/ProjectsPage.vue"), meta: { title: "Projects" } },
    { path: "/projects/:id(\\d+)", component: () => import("@/pages/ProjectPage.vue"), props: byId, meta: { title: "Project" } },
    { path: "/jobs", component: () => import("@/pages/JobsPage.vue"), meta: { title: "Jobs" } },
    { path: "/jobs/:id(\\d+)", component: () => import("@/pages/JobPage.vue"), props: byId, meta: { title: "Job" } },
    { path: "/network", component: () => import("@/pages/network/NodesPage.vue"), meta: { title: "DICOM network" } },
    { path: "/network/query", component: () => import("@/pages/network/QueryPage.vue"), meta: { title: "Query a node" } },
    { path: "/network/:id(\\d+)", component: () => import("@/pages/network/NodePage.vue"), props: byId, meta: { title: "Node" } },
    { path: "/trash", component: () => import("@/pages/TrashPage.vue"), meta: { title: "Trash" } },
    { path: "/:rest(.*)*", component: () => import("@/pages/NotFoundPage.vue"), meta: { title: "Not found" } },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

// Titles are in the browser's history, so they name pages and never patients.
router.afterEach(({ meta }) => {
  document.title = typeof meta.title === "string" ? `${meta.title} · Voxelry` : "Voxelry";
});
