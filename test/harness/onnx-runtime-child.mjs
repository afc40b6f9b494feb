// Runs models by ONNX Runtime, which may abort its process: { model, inputs: { NAME: { element, shape, bytes } } } to
// results by name.
// its native part takes no Float16Array; without one it takes the bits
delete globalThis.Float16Array
const { default: ort } = await import('onnxruntime-node')

const types = {
  f32: 'float32', f64: 'float64', f16: 'float16', i8: 'int8', i16: 'int16', i32: 'int32', i64: 'int64',
  u8: 'uint8', u16: 'uint16', u32: 'uint32', u64: 'uint64', bool: 'bool'
}
const arrays = {
  f32: Float32Array, f64: Float64Array, f16: Uint16Array, i8: Int8Array, i16: Int16Array, i32: Int32Array,
  i64: BigInt64Array, u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, u64: BigUint64Array, bool: Uint8Array
}

process.on('message', task => {
  void run(task).catch(error => ({ problem: String(error.message) })).then(result => {
    process.send({ result, residentBytes: process.memoryUsage.rss() })
  })
})

async function run({ model, inputs }) {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4, graphOptimizationLevel: 'disabled' })
  const feeds = Object.entries(inputs).map(([name, { element, shape, bytes }]) => {
    const copy = new Uint8Array(bytes)
    return [name, new ort.Tensor(types[element], new arrays[element](copy.buffer), shape)]
  })
  const results = await session.run(Object.fromEntries(feeds))
  await session.release()
  return Object.fromEntries(Object.entries(results).map(([name, { type, dims, data }]) => {
    const [element] = Object.entries(types).find(([, ort]) => ort === type)
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return [name, { element, shape: [...dims], bytes }]
  }))
}
