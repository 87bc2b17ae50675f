// The surface of the page: faces and lines in flat colors. Floats, since this only draws.

@group(0) @binding(0) var<uniform> matrix: mat4x4f;

struct Vertex {
  @builtin(position) position: vec4f,
  @location(0) @interpolate(flat) color: vec4f,
}

@vertex
fn place(@location(0) point: vec3f, @location(1) color: vec4f) -> Vertex {
  return Vertex(matrix * vec4f(point, 1.0), color);
}

@fragment
fn paint(vertex: Vertex) -> @location(0) vec4f {
  return vec4f(vertex.color.rgb * vertex.color.a, vertex.color.a);
}
