// The surface with its controls: drag, wheel, two fingers and keys turn and zoom it. It is drawn again only when something
// changed.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isSoftware } from "../../host/gpu/device.ts";
import { cssOf } from "../parts/ramp.ts";
import type { PageEngine } from "../worker/orders.ts";
import { labelsOf } from "./axes.ts";
import { dragged, initialCamera, matrixOf, zoomed, type Camera } from "./camera.ts";
import { canvasRenderer } from "./canvas.ts";
import { fitCanvas, inkOf, useRedraw } from "./fit.ts";
import { meshOf, type Mesh, type MeshInput } from "./mesh.ts";
import type { Renderer } from "./renderer.ts";
import { webgpuRenderer } from "./webgpu.ts";

interface SurfaceProps extends Omit<MeshInput, "align"> {
  readonly isAligned: boolean;
  readonly camera: Camera;
  /** `auto` draws by WebGPU on a hardware adapter, `gpu` on any, and `cpu` on none. */
  readonly engine: PageEngine;
  /** Called when the visitor has moved the camera. */
  readonly onCamera: (camera: Camera) => void;
  /** The identifier of the text that describes the surface. */
  readonly describedBy: string;
}

const ALIGN_MS = 900;
/** The camera is reported when it has rested for this long. */
const REST_MS = 250;
const KEY_PIXELS = 15;
const KEY_ZOOM = 1.15;
const WHEEL_ZOOM = 0.0015;

/** Where the keys turn the camera, in pixels of a drag. */
const TURNS: Readonly<Record<string, readonly [right: number, down: number]>> = {
  ArrowLeft: [-KEY_PIXELS, 0],
  ArrowRight: [KEY_PIXELS, 0],
  ArrowUp: [0, -KEY_PIXELS],
  ArrowDown: [0, KEY_PIXELS],
};
const ZOOMS: Readonly<Record<string, number>> = { "+": KEY_ZOOM, "=": KEY_ZOOM, "-": 1 / KEY_ZOOM };

export function Surface(props: SurfaceProps) {
  const frame = useRef<HTMLDivElement>(null);
  const labels = useRef<HTMLCanvasElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const camera = useRef(props.camera);
  const align = useRef(props.isAligned ? 1 : 0);
  const renderer = useRef<Renderer>(null);
  const mesh = useRef<{ readonly input: MeshInput; readonly mesh: Mesh }>(null);
  const pending = useRef(0);

  function draw(): void {
    pending.current = 0;
    const canvas = frame.current?.querySelector("canvas");
    if (!canvas || !labels.current || !renderer.current) return;
    fitCanvas(canvas);
    const matrix = matrixOf(camera.current, canvas.width / canvas.height);
    const { grid, mode, theory, cell } = latest.current;
    const input = { grid, mode, theory, cell, align: align.current };
    if (!mesh.current || !isSame(mesh.current.input, input)) mesh.current = { input, mesh: meshOf(input) };
    const shown = mesh.current.mesh;
    renderer.current.draw({ mesh: shown, matrix, ink: inkOf(canvas) });
    drawLabels(labels.current, (size) => labelsOf(grid, mode, shown.layout, matrix, size));
  }
  /** Draws before the screen shows its next picture. */
  function redraw(): void {
    pending.current ||= requestAnimationFrame(draw);
  }
  useEffect(() => () => cancelAnimationFrame(pending.current), []);
  useRedraw(frame, redraw);
  useLayoutEffect(redraw);

  const kind = useRenderer(props.engine, frame, renderer, redraw);
  const move = useCamera(props, camera, redraw);
  useShear(props.isAligned, align, redraw);
  const pointers = usePointers((right, down, factor) => {
    move(zoomed(dragged(camera.current, right, down), factor));
  });

  // A wheel over the surface scrolls the page unless the surface has the focus or the visitor pinches a touchpad.
  useEffect(() => {
    const element = frame.current!;
    function onWheel(event: WheelEvent): void {
      if (!event.ctrlKey && document.activeElement !== element) return;
      event.preventDefault();
      move(zoomed(camera.current, Math.exp(-event.deltaY * WHEEL_ZOOM)));
    }
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  return (
    <div
      ref={frame}
      class="surface"
      tabIndex={0}
      role="application"
      aria-roledescription="surface"
      aria-label="The cells as a surface. Arrow keys turn it, plus and minus zoom, Home resets the camera."
      aria-describedby={props.describedBy}
      data-renderer={kind}
      onKeyDown={(event) => {
        const [turn, zoom] = [TURNS[event.key], ZOOMS[event.key]];
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (turn) move(dragged(camera.current, ...turn));
        else if (zoom) move(zoomed(camera.current, zoom));
        else if (event.key === "Home") move(initialCamera);
        else return;
        event.preventDefault();
      }}
      onDblClick={() => move(initialCamera)}
      {...pointers}
    >
      {/* A canvas keeps the kind of its first context, so each renderer has its own. */}
      <canvas key={kind} aria-hidden="true" />
      <canvas ref={labels} class="labels" aria-hidden="true" />
    </div>
  );
}

function isSame(one: MeshInput, other: MeshInput): boolean {
  return (
    (["grid", "mode", "theory", "align"] as const).every((name) => one[name] === other[name]) &&
    one.cell.column === other.cell.column &&
    one.cell.row === other.cell.row
  );
}

function drawLabels(
  canvas: HTMLCanvasElement,
  labelsIn: (size: { readonly width: number; readonly height: number }) => ReturnType<typeof labelsOf>,
): void {
  const ratio = fitCanvas(canvas);
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const { font } = getComputedStyle(canvas);
  context.font = font;
  context.fillStyle = cssOf(inkOf(canvas));
  context.textBaseline = "middle";
  const size = { width: canvas.clientWidth, height: canvas.clientHeight };
  for (const { text, x, y, side } of labelsIn(size)) {
    const wide = context.measureText(text).width;
    // Texts stay in the picture.
    const left = Math.min(Math.max(x + ((side - 1) * wide) / 2, 2), size.width - wide - 2);
    context.fillText(text, left, Math.min(Math.max(y, 8), size.height - 8));
  }
}

type Kind = "none" | "webgpu" | "canvas";

/** Opens a renderer for the canvas, and a 2D one where there is no device or it was lost. */
function useRenderer(
  engine: PageEngine,
  frame: { readonly current: HTMLElement | null },
  renderer: { current: Renderer | null },
  redraw: () => void,
): Kind {
  const [kind, setKind] = useState<Kind>("none");
  const adapter = useRef<GPUAdapter>(undefined);
  useEffect(() => {
    let isCurrent = true;
    async function find(): Promise<void> {
      const found = await findAdapter(engine);
      if (!isCurrent) return;
      adapter.current = found;
      setKind(found ? "webgpu" : "canvas");
    }
    void find();
    return () => {
      isCurrent = false;
      setKind("none");
    };
  }, [engine]);
  useEffect(() => {
    const canvas = frame.current!.querySelector("canvas")!;
    let isCurrent = true;
    function use(opened: Renderer): void {
      if (!isCurrent) return opened.close();
      renderer.current = opened;
      redraw();
    }
    const fallBack = () => {
      if (isCurrent) setKind("canvas");
    };
    if (kind === "canvas") use(canvasRenderer(canvas));
    if (kind === "webgpu") void webgpuRenderer(canvas, adapter.current!, fallBack).then(use, fallBack);
    return () => {
      isCurrent = false;
      renderer.current?.close();
      renderer.current = null;
    };
  }, [kind]);
  return kind;
}

async function findAdapter(engine: PageEngine): Promise<GPUAdapter | undefined> {
  if (engine === "cpu") return undefined;
  const adapter = await navigator.gpu?.requestAdapter();
  return adapter && (engine === "gpu" || !isSoftware(adapter)) ? adapter : undefined;
}

/** Moves the camera, and reports it once it rests. */
function useCamera(
  props: SurfaceProps,
  camera: { current: Camera },
  redraw: () => void,
): (moved: Camera) => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const report = useRef(props.onCamera);
  report.current = props.onCamera;
  useLayoutEffect(() => {
    camera.current = props.camera;
    redraw();
  }, [props.camera]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (moved) => {
    camera.current = moved;
    redraw();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => report.current(camera.current), REST_MS);
  };
}

/** Moves rows to their half-way points and back, at once where the visitor wants no motion. */
function useShear(isAligned: boolean, align: { current: number }, redraw: () => void): void {
  useLayoutEffect(() => {
    const [from, to] = [align.current, isAligned ? 1 : 0];
    let frame = 0;
    const begun = performance.now();
    function step(): void {
      const part = Math.min(1, (performance.now() - begun) / ALIGN_MS);
      // Slow at both ends.
      align.current = from + (to - from) * part * part * (3 - 2 * part);
      redraw();
      if (part < 1) frame = requestAnimationFrame(step);
    }
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      align.current = to;
      redraw();
    } else if (from !== to) step();
    return () => cancelAnimationFrame(frame);
  }, [isAligned]);
}

/** Handlers that turn the movements of one pointer into a drag and those of two into a zoom. */
function usePointers(onMove: (right: number, down: number, factor: number) => void) {
  const down = useRef(new Map<number, { readonly x: number; readonly y: number }>());
  const end = ({ pointerId }: PointerEvent) => void down.current.delete(pointerId);
  return {
    onPointerDown(event: PointerEvent & { readonly currentTarget: HTMLElement }) {
      event.currentTarget.setPointerCapture(event.pointerId);
      down.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerMove(event: PointerEvent) {
      const before = down.current.get(event.pointerId);
      if (!before) return;
      const now = { x: event.clientX, y: event.clientY };
      const other = [...down.current].find(([id]) => id !== event.pointerId)?.[1];
      down.current.set(event.pointerId, now);
      if (!other) return onMove(now.x - before.x, now.y - before.y, 1);
      const distance = (point: typeof now) => Math.hypot(point.x - other.x, point.y - other.y);
      onMove(0, 0, distance(now) / Math.max(1, distance(before)));
    },
    onPointerUp: end,
    onPointerCancel: end,
  };
}
