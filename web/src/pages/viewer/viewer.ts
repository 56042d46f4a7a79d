/** The viewer's program, in one piece. */

export { pictureAhead } from "@/pages/viewer/pictureAhead";
export { default } from "@/pages/viewer/ViewerPage.vue";
