/** The thread that makes surfaces, so that the page goes on. */

import { surfaceNet } from "@/core/surfaceNet";
import type { SurfaceAnswer, SurfaceQuestion } from "@/tools/volume3d/surfaceMaker";

self.onmessage = ({ data: { id, coverage, affine } }: MessageEvent<SurfaceQuestion>) => {
  const mesh = surfaceNet(coverage, affine);
  const answer: SurfaceAnswer = { id, mesh };
  self.postMessage(answer, { transfer: [mesh.points.buffer, mesh.triangles.buffer, mesh.normals.buffer] });
};
