/** The bodies on the screen, by vtk.js: nothing else of the page knows it. Coordinates are LPS millimetres. */

import "@kitware/vtk.js/Rendering/OpenGL/Actor.js";
import "@kitware/vtk.js/Rendering/OpenGL/Camera.js";
import "@kitware/vtk.js/Rendering/OpenGL/PolyDataMapper.js";
import "@kitware/vtk.js/Rendering/OpenGL/Renderer.js";
import "@kitware/vtk.js/Rendering/OpenGL/Texture.js";
import "@kitware/vtk.js/Rendering/OpenGL/Volume.js";
import "@kitware/vtk.js/Rendering/OpenGL/VolumeMapper.js";

import vtkDataArray from "@kitware/vtk.js/Common/Core/DataArray.js";
import vtkImageData from "@kitware/vtk.js/Common/DataModel/ImageData.js";
import vtkPiecewiseFunction from "@kitware/vtk.js/Common/DataModel/PiecewiseFunction.js";
import vtkPlane from "@kitware/vtk.js/Common/DataModel/Plane.js";
import vtkPolyData from "@kitware/vtk.js/Common/DataModel/PolyData.js";
import vtkActor from "@kitware/vtk.js/Rendering/Core/Actor.js";
import vtkColorTransferFunction from "@kitware/vtk.js/Rendering/Core/ColorTransferFunction.js";
import vtkMapper from "@kitware/vtk.js/Rendering/Core/Mapper.js";
import vtkRenderer from "@kitware/vtk.js/Rendering/Core/Renderer.js";
import vtkRenderWindow from "@kitware/vtk.js/Rendering/Core/RenderWindow.js";
import vtkRenderWindowInteractor from "@kitware/vtk.js/Rendering/Core/RenderWindowInteractor.js";
import vtkTexture from "@kitware/vtk.js/Rendering/Core/Texture.js";
import vtkVolume from "@kitware/vtk.js/Rendering/Core/Volume.js";
import vtkVolumeMapper from "@kitware/vtk.js/Rendering/Core/VolumeMapper.js";
import vtkOpenGLRenderWindow from "@kitware/vtk.js/Rendering/OpenGL/RenderWindow.js";

import { mmPerPixel, type Orbit, towardsViewer } from "@/core/orbit";
import type { Size } from "@/core/stageTransform";
import type { SurfaceMesh } from "@/core/surfaceNet";
import type { UprightGrid } from "@/core/uprightGrid";
import { add, moved, type Vector } from "@/core/vectors";
import type { TransferFunctions, TransferPoint } from "@/tools/volume3d/presets";

/** How a surface looks. */
export interface SurfaceLook {
  /** "#rrggbb" */
  readonly colour: string;
  /** 0 to 1. */
  readonly opacity: number;
}

/** What lies behind a plane (against its normal) is cut away. */
export interface CutAway {
  readonly origin: Vector;
  readonly normal: Vector;
}

/** A parallelogram with a picture on it, or only its border. */
export interface PlaneBoard {
  readonly corner: Vector;
  readonly right: Vector;
  readonly down: Vector;
  /** "#rrggbb" of its border. */
  readonly colour: string;
  readonly picture: ImageData | null;
}

/** The library draws no more of them. */
export const MOST_CUTS = 6;
/** Screens of more pixels per CSS pixel are drawn with this many: rays cost more than they show. */
const MOST_RATIO = 2;
/** A part of the smallest distance of voxels. */
const RAY_STEP = 0.7;
/** Without a graphics card: pixels per CSS pixel, and how much longer the steps of rays are. */
const SLOW = { ratio: 0.5, step: 2.5 };
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;
/** Frames per second while something moves. */
const MOVING_RATE = 20;
const UNIT_MM = 1;
const BACKGROUND: [number, number, number] = [0, 0, 0];

const rgbOf = (colour: string): [number, number, number] => {
  const number = parseInt(colour.slice(1), 16);
  return [(number >> 16) / 255, ((number >> 8) & 255) / 255, (number & 255) / 255];
};

/** What is drawn of points and lines or triangles. */
interface Shape {
  readonly actor: vtkActor;
  readonly mapper: vtkMapper;
  readonly data: vtkPolyData;
}

export class SolidScene {
  private readonly renderer = vtkRenderer.newInstance({ background: BACKGROUND });
  private readonly window = vtkRenderWindow.newInstance();
  private readonly screen = vtkOpenGLRenderWindow.newInstance();
  private readonly interactor = vtkRenderWindowInteractor.newInstance();
  private readonly surfaces = new Map<string, Shape>();
  private boards: Shape[] = [];
  private cuts: vtkPlane[] = [];
  private body: { readonly actor: vtkVolume; readonly mapper: vtkVolumeMapper; readonly image: vtkImageData } | null = null;
  private stage: Size = { width: 1, height: 1 };
  private orbit: Orbit | null = null;
  private frame = 0;
  private moving = false;
  private closed = false;
  /** True if the processor draws instead of a graphics card: one fine picture would take seconds. */
  readonly isSlow: boolean;

  constructor(
    private readonly container: HTMLElement,
    /** Called after each picture. */
    private readonly onDrawn: () => void,
  ) {
    this.window.addRenderer(this.renderer);
    this.window.addView(this.screen);
    this.screen.setContainer(container);
    this.interactor.setView(this.screen);
    this.interactor.setDesiredUpdateRate(MOVING_RATE);
    this.interactor.initialize();
    this.renderer.getActiveCamera().setParallelProjection(true);
    this.renderer.setTwoSidedLighting(true);
    const context = this.canvas?.getContext("webgl2");
    const names = context?.getExtension("WEBGL_debug_renderer_info");
    this.isSlow = SOFTWARE.test(String(context?.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER) ?? ""));
  }

  get canvas(): HTMLCanvasElement | null {
    return this.screen.getCanvas() ?? null;
  }

  /** Puts a volume on the screen, or takes it away. */
  setVolume(grid: UprightGrid | null): void {
    this.dropVolume();
    if (grid) {
      const image = vtkImageData.newInstance();
      image.setDimensions([...grid.size]);
      image.setSpacing([...grid.spacing]);
      image.setOrigin([...grid.origin]);
      // The columns of the library's direction matrix, one after the other.
      image.setDirection([...grid.axes[0], ...grid.axes[1], ...grid.axes[2]] as never);
      image.getPointData().setScalars(vtkDataArray.newInstance({ name: "values", values: grid.values, numberOfComponents: 1 }));
      const mapper = vtkVolumeMapper.newInstance();
      mapper.setInputData(image);
      mapper.setSampleDistance(Math.min(...grid.spacing) * RAY_STEP * (this.isSlow ? SLOW.step : 1));
      mapper.setMaximumSamplesPerRay(4096);
      const actor = vtkVolume.newInstance();
      actor.setMapper(mapper);
      actor.setVisibility(false);
      for (const plane of this.cuts) mapper.addClippingPlane(plane);
      this.renderer.addVolume(actor);
      this.body = { actor, mapper, image };
    }
    this.schedule();
  }

  /** How the volume's values are drawn; null hides it. */
  setTransfer(transfer: TransferFunctions | null): void {
    const { body } = this;
    if (!body) return;
    body.actor.setVisibility(transfer !== null);
    if (this.isSlow) this.resize(this.stage);
    if (transfer) {
      const [colours, opacities] = [vtkColorTransferFunction.newInstance(), vtkPiecewiseFunction.newInstance()];
      for (const { value, colour, opacity } of withEnds(transfer.points)) {
        colours.addRGBPoint(value, ...colour);
        opacities.addPoint(value, opacity);
      }
      const property = body.actor.getProperty();
      property.setRGBTransferFunction(0, colours);
      property.setScalarOpacity(0, opacities);
      property.setScalarOpacityUnitDistance(0, UNIT_MM);
      property.setInterpolationTypeToLinear();
      property.setShade(transfer.lit);
      property.setAmbient(0.25);
      property.setDiffuse(0.75);
      property.setSpecular(0.15);
      property.setSpecularPower(12);
      if (transfer.blend === "max") body.mapper.setBlendModeToMaximumIntensity();
      else body.mapper.setBlendModeToComposite();
    }
    this.schedule();
  }

  addSurface(key: string, { points, triangles, normals }: SurfaceMesh): void {
    this.removeSurface(key);
    const shape = shapeOf(points, (data) => {
      data.getPolys().setData(cellsOf(triangles));
      data.getPointData().setNormals(vtkDataArray.newInstance({ name: "normals", values: normals, numberOfComponents: 3 }));
    });
    const { actor, mapper } = shape;
    for (const plane of this.cuts) mapper.addClippingPlane(plane);
    const property = actor.getProperty();
    property.setAmbient(0.25);
    property.setDiffuse(0.75);
    property.setSpecular(0.15);
    property.setSpecularPower(16);
    this.renderer.addActor(actor);
    this.surfaces.set(key, shape);
    this.schedule();
  }

  /** Changes how a surface looks; null hides it. */
  setLook(key: string, look: SurfaceLook | null): void {
    const actor = this.surfaces.get(key)?.actor;
    if (!actor) return;
    actor.setVisibility(look !== null);
    if (look) {
      actor.getProperty().setColor(...rgbOf(look.colour));
      actor.getProperty().setOpacity(look.opacity);
    }
    this.schedule();
  }

  removeSurface(key: string): void {
    const surface = this.surfaces.get(key);
    if (!surface) return;
    this.renderer.removeActor(surface.actor);
    this.surfaces.delete(key);
    release(surface);
    this.schedule();
  }

  /** What is cut away of the volume and of all surfaces. */
  setCuts(cuts: readonly CutAway[]): void {
    this.cuts = cuts.slice(0, MOST_CUTS).map(({ origin, normal }) => vtkPlane.newInstance({ origin: [...origin], normal: [...normal] }));
    for (const mapper of [...[...this.surfaces.values()].map((surface) => surface.mapper), ...(this.body ? [this.body.mapper] : [])]) {
      mapper.removeAllClippingPlanes();
      for (const plane of this.cuts) mapper.addClippingPlane(plane);
    }
    this.schedule();
  }

  setBoards(boards: readonly PlaneBoard[]): void {
    for (const shape of this.boards) {
      this.renderer.removeActor(shape.actor);
      release(shape);
    }
    this.boards = boards.flatMap((board) => (board.picture ? [pictureOf(board, board.picture), borderOf(board)] : [borderOf(board)]));
    for (const { actor } of this.boards) this.renderer.addActor(actor);
    this.schedule();
  }

  look(orbit: Orbit): void {
    this.orbit = orbit;
    this.schedule();
  }

  resize(stage: Size): void {
    this.stage = stage;
    const ratio = this.isSlow && this.body?.actor.getVisibility() ? SLOW.ratio : Math.min(MOST_RATIO, window.devicePixelRatio || 1);
    this.screen.setSize(Math.max(1, Math.round(stage.width * ratio)), Math.max(1, Math.round(stage.height * ratio)));
    this.schedule();
  }

  /** While something moves, the volume is drawn as coarsely as it takes to keep up. */
  setMoving(moving: boolean): void {
    if (moving === this.moving || this.closed) return;
    this.moving = moving;
    if (moving) this.interactor.requestAnimation(this);
    else this.interactor.cancelAnimation(this);
    this.schedule();
  }

  /** What is on the screen, drawn anew, as a picture. */
  async picture(): Promise<ImageBitmap> {
    cancelAnimationFrame(this.frame);
    this.draw();
    const { canvas } = this;
    if (!canvas) throw new Error("There is no picture.");
    // In the same task as the drawing: later the browser may have cleared the canvas.
    return await createImageBitmap(canvas);
  }

  /** Gives all memory of the graphics card back. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    cancelAnimationFrame(this.frame);
    this.interactor.cancelAnimation(this, true);
    this.setBoards([]);
    for (const key of [...this.surfaces.keys()]) this.removeSurface(key);
    this.dropVolume();
    cancelAnimationFrame(this.frame);
    const context = this.canvas?.getContext("webgl2");
    this.interactor.delete();
    this.window.removeView(this.screen);
    this.window.removeRenderer(this.renderer);
    this.renderer.delete();
    this.screen.delete();
    this.window.delete();
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    this.container.replaceChildren();
  }

  private dropVolume(): void {
    if (!this.body) return;
    this.renderer.removeVolume(this.body.actor);
    this.body.mapper.delete();
    this.body.actor.delete();
    this.body.image.delete();
    this.body = null;
  }

  private schedule(): void {
    if (this.frame || this.closed) return;
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = 0;
    const { orbit, renderer } = this;
    if (this.closed || !orbit) return;
    const camera = renderer.getActiveCamera();
    const back = towardsViewer(orbit);
    camera.setFocalPoint(...orbit.focus);
    camera.setPosition(...moved(orbit.focus, back, orbit.extent * 2));
    camera.setViewUp(...orbit.up);
    camera.setParallelScale((mmPerPixel(orbit, this.stage) * this.stage.height) / 2);
    renderer.resetCameraClippingRange();
    this.window.render();
    this.onDrawn();
  }
}

/** Goes on beyond both ends: the library's tables are not exact at their first and last entries. */
function withEnds(points: readonly TransferPoint[]): TransferPoint[] {
  const [first, last] = [points[0], points[points.length - 1]];
  const margin = (last.value - first.value) / 8;
  return [{ ...first, value: first.value - margin }, ...points, { ...last, value: last.value + margin }];
}

function release({ actor, mapper, data }: Shape): void {
  actor.removeAllTextures();
  actor.delete();
  mapper.delete();
  data.delete();
}

function shapeOf(points: Float32Array, fill: (data: vtkPolyData) => void): Shape {
  const data = vtkPolyData.newInstance();
  data.getPoints().setData(points, 3);
  fill(data);
  const mapper = vtkMapper.newInstance({ scalarVisibility: false });
  mapper.setInputData(data);
  const actor = vtkActor.newInstance();
  actor.setMapper(mapper);
  return { actor, mapper, data };
}

/** Each triangle with its number of points before it, as the library has them. */
function cellsOf(triangles: Uint32Array): Uint32Array {
  const cells = new Uint32Array((triangles.length / 3) * 4);
  for (let t = 0, c = 0; t < triangles.length; t += 3, c += 4) {
    cells[c] = 3;
    cells[c + 1] = triangles[t];
    cells[c + 2] = triangles[t + 1];
    cells[c + 3] = triangles[t + 2];
  }
  return cells;
}

const cornersOfBoard = ({ corner, right, down }: PlaneBoard): Float32Array => Float32Array.from([corner, add(corner, right), add(add(corner, right), down), add(corner, down)].flat());

function borderOf(board: PlaneBoard): Shape {
  const shape = shapeOf(cornersOfBoard(board), (data) => data.getLines().setData(Uint32Array.from([5, 0, 1, 2, 3, 0])));
  const property = shape.actor.getProperty();
  property.setColor(...rgbOf(board.colour));
  property.setLighting(false);
  property.setLineWidth(2);
  return shape;
}

function pictureOf(board: PlaneBoard, picture: ImageData): Shape {
  const shape = shapeOf(cornersOfBoard(board), (data) => {
    data.getPolys().setData(Uint32Array.from([4, 0, 1, 2, 3]));
    data.getPointData().setTCoords(vtkDataArray.newInstance({ name: "places", values: Float32Array.from([0, 0, 1, 0, 1, 1, 0, 1]), numberOfComponents: 2 }));
  });
  shape.actor.getProperty().setLighting(false);
  const texture = vtkTexture.newInstance({ interpolate: true, edgeClamp: true });
  texture.setJsImageData(picture);
  shape.actor.addTexture(texture);
  return shape;
}
