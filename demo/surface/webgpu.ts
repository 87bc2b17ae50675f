// The surface by WebGPU, on a device of its own beside that of the worker.

import shader from "../../shaders/surface.wgsl?raw";
import type { Rgb } from "../parts/ramp.ts";
import type { Mesh } from "./mesh.ts";
import { EDGE, FRAME_OPACITY, MARK, WIRE_OPACITY, type Renderer, type Scene } from "./renderer.ts";

const SAMPLES = 4;
const DEPTH_FORMAT = "depth24plus";
/** Three floats of a point and four bytes of a color. */
const VERTEX_BYTES = 16;
const MATRIX_BYTES = 64;
/** The corners of the two triangles of a quad, and the ends of two of its edges: the others are those of its neighbors. */
const TRIANGLES = [0, 1, 2, 0, 2, 3];
const EDGES = [1, 0, 0, 3];

/** Vertices of one kind in a buffer. */
interface Part {
  readonly buffer: GPUBuffer;
  readonly count: number;
}

/**
 * Opens a renderer.
 * @param onLost Called when the device is lost, unless the renderer was closed.
 */
export async function webgpuRenderer(
  canvas: HTMLCanvasElement,
  adapter: GPUAdapter,
  onLost: () => void,
): Promise<Renderer> {
  const device = await adapter.requestDevice();
  let isClosed = false;
  void device.lost.then(() => isClosed || onLost());
  const context = canvas.getContext("webgpu")!;
  const format = navigator.gpu.getPreferredCanvasFormat();
  context.configure({ device, format, alphaMode: "premultiplied" });
  const module = device.createShaderModule({ code: shader });
  const group = device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: GPUShaderStage.VERTEX, buffer: { type: "uniform" } }],
  });
  const layout = device.createPipelineLayout({ bindGroupLayouts: [group] });

  function pipeline(topology: GPUPrimitiveTopology, depth: Partial<GPUDepthStencilState>): GPURenderPipeline {
    const blend: GPUBlendComponent = { srcFactor: "one", dstFactor: "one-minus-src-alpha" };
    return device.createRenderPipeline({
      layout,
      vertex: {
        module,
        entryPoint: "place",
        buffers: [
          {
            arrayStride: VERTEX_BYTES,
            attributes: [
              { shaderLocation: 0, offset: 0, format: "float32x3" },
              { shaderLocation: 1, offset: 12, format: "unorm8x4" },
            ],
          },
        ],
      },
      fragment: { module, entryPoint: "paint", targets: [{ format, blend: { color: blend, alpha: blend } }] },
      primitive: { topology },
      multisample: { count: SAMPLES },
      depthStencil: {
        format: DEPTH_FORMAT,
        depthWriteEnabled: false,
        depthCompare: "less-equal",
        ...depth,
      },
    });
  }

  // Faces step back a little, so that lines on them are seen.
  const faces = pipeline("triangle-list", { depthWriteEnabled: true, depthBias: 2, depthBiasSlopeScale: 1 });
  const lines = pipeline("line-list", {});
  const above = pipeline("triangle-list", { depthCompare: "always" });
  const uniform = device.createBuffer({
    size: MATRIX_BYTES,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  const bindGroup = device.createBindGroup({
    layout: group,
    entries: [{ binding: 0, resource: { buffer: uniform } }],
  });

  let parts: readonly (readonly [GPURenderPipeline, Part])[] = [];
  let drawn: Pick<Scene, "mesh" | "ink"> | undefined;
  let targets: { readonly color: GPUTexture; readonly depth: GPUTexture } | undefined;

  function part(vertices: ArrayBuffer): Part {
    const buffer = device.createBuffer({
      // A buffer of no vertices would be invalid.
      size: Math.max(vertices.byteLength, VERTEX_BYTES),
      usage: GPUBufferUsage.VERTEX | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, vertices);
    return { buffer, count: vertices.byteLength / VERTEX_BYTES };
  }

  /** Uploads the vertices of a scene, unless they are there. */
  function upload({ mesh, ink }: Scene): void {
    if (drawn?.mesh === mesh && drawn.ink.join() === ink.join()) return;
    for (const [, { buffer }] of parts) buffer.destroy();
    drawn = { mesh, ink };
    parts = [
      [lines, part(vertices(mesh.frame, 2, [0, 1], () => ink, FRAME_OPACITY))],
      [faces, part(vertices(mesh.quads, 4, TRIANGLES, colorOf(mesh, 1)))],
      [lines, part(vertices(mesh.quads, 4, EDGES, colorOf(mesh, EDGE)))],
      [lines, part(vertices(mesh.wire, 2, [0, 1], () => ink, WIRE_OPACITY))],
      [above, part(vertices(mesh.marked, 4, TRIANGLES, () => MARK))],
    ];
  }

  function targetsOf(texture: GPUTexture) {
    const { width, height } = texture;
    if (targets?.color.width === width && targets.color.height === height) return targets;
    targets?.color.destroy();
    targets?.depth.destroy();
    const target = (format: GPUTextureFormat) =>
      device.createTexture({
        size: [width, height],
        format,
        sampleCount: SAMPLES,
        usage: GPUTextureUsage.RENDER_ATTACHMENT,
      });
    return (targets = { color: target(format), depth: target(DEPTH_FORMAT) });
  }

  function draw(scene: Scene): void {
    upload(scene);
    device.queue.writeBuffer(uniform, 0, scene.matrix as Float32Array<ArrayBuffer>);
    const texture = context.getCurrentTexture();
    const { color, depth } = targetsOf(texture);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginRenderPass({
      colorAttachments: [
        {
          view: color.createView(),
          resolveTarget: texture.createView(),
          clearValue: [0, 0, 0, 0],
          loadOp: "clear",
          storeOp: "discard",
        },
      ],
      depthStencilAttachment: {
        view: depth.createView(),
        depthClearValue: 1,
        depthLoadOp: "clear",
        depthStoreOp: "discard",
      },
    });
    pass.setBindGroup(0, bindGroup);
    for (const [pipeline, { buffer, count }] of parts) {
      if (count === 0) continue;
      pass.setPipeline(pipeline);
      pass.setVertexBuffer(0, buffer);
      pass.draw(count);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  return {
    draw,
    close() {
      isClosed = true;
      device.destroy();
    },
  };
}

/** The color of a quad of the mesh, at some brightness. */
function colorOf({ colors }: Mesh, brightness: number): (quad: number) => Rgb {
  return (quad) => [
    colors[3 * quad]! * brightness,
    colors[3 * quad + 1]! * brightness,
    colors[3 * quad + 2]! * brightness,
  ];
}

/** The vertices of shapes of some corners, of which each shape takes those of a list. */
function vertices(
  points: Float32Array,
  corners: number,
  order: readonly number[],
  color: (shape: number) => Rgb,
  opacity = 1,
): ArrayBuffer {
  const shapes = points.length / (3 * corners);
  const data = new ArrayBuffer(shapes * order.length * VERTEX_BYTES);
  const [floats, bytes] = [new Float32Array(data), new Uint8Array(data)];
  let vertex = 0;
  for (let shape = 0; shape < shapes; shape++) {
    const channels = [...color(shape), 255 * opacity];
    for (const corner of order) {
      const from = 3 * (shape * corners + corner);
      floats.set(points.subarray(from, from + 3), 4 * vertex);
      bytes.set(channels, VERTEX_BYTES * vertex + 12);
      vertex++;
    }
  }
  return data;
}
