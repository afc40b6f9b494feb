/** The JSON of the command line, one schema a command. Programs rely on these forms. */
import * as z from 'zod'

const index = z.array(z.int().min(0))
const position = z.object({ line: z.int().min(0), character: z.int().min(0) })
const range = z.object({ start: position, end: position })

/** `heddle mapping EXPR --json`; above 2^20 tasks over all workers `tasks` is null and `tasks_per_worker` is given. */
export const mappingOutput = z.object({
  workers: z.int().min(1),
  shape: index,
  /** Worker -> its tasks in order. */
  tasks: z.array(z.array(index)).nullable(),
  /** Null where it differs from worker to worker. */
  tasks_per_worker: z.int().min(0).nullable().optional()
})
export type MappingOutput = z.infer<typeof mappingOutput>

/** `heddle layout EXPR --json`; `offsets` in row-major order of the index, null above 2^20 elements. */
export const layoutOutput = z.object({
  shape: index,
  /** Storage cells. */
  size: z.int().min(0),
  offsets: index.nullable()
})
export type LayoutOutput = z.infer<typeof layoutOutput>

/** `heddle check FILE --json`; ranges are LSP's. */
export const checkOutput = z.array(
  z.object({
    file: z.string(),
    range,
    severity: z.enum(['error', 'warning', 'information']),
    code: z.string(),
    message: z.string()
  })
)
export type CheckOutput = z.infer<typeof checkOutput>

/** A number, a truth value, a name or text in Heddle; sequences of them for tuples. */
const plain: z.ZodType<PlainValue> = z.union([z.number(), z.boolean(), z.string(), z.array(z.lazy(() => plain))])
export type PlainValue = number | boolean | string | PlainValue[]

/** `heddle space SCHEDULE --level L --json` */
export const spaceOutput = z.object({
  /** Points, legal or not. */
  raw: z.int().min(0),
  /** Points that the schedule's own rules allow: the candidates. The same on all targets. */
  legal: z.int().min(0),
  /** Their order is their number, as `heddle build --candidate` takes it. */
  candidates: z.array(z.object({
    /** What each tune chooses. */
    parameters: z.record(z.string(), plain),
    /** What the schedule documents of itself. */
    facts: z.record(z.string(), plain),
    /** Why the target cannot run it; absent where it can. */
    exceeds: z.string().optional()
  }))
})
export type SpaceOutput = z.infer<typeof spaceOutput>

/** `NAME.facts.json`: what ptxas says of one program's kernels; the numbers outside are the greatest of any kernel. */
export const factsOutput = z.object({
  target: z.string(),
  /** Version of the CUDA toolkit. */
  toolkit: z.string(),
  /** 32-bit registers a thread. */
  registers: z.int().min(0),
  /** Bytes that a thread writes and reads because registers ran out. */
  spills: z.int().min(0),
  /** Bytes a thread. */
  stack: z.int().min(0),
  /** Bytes a block that the kernel declares itself. */
  shared_bytes: z.int().min(0),
  /** Bytes a block that its launch adds, of which ptxas knows nothing: all of it where it is more than 48 KiB. */
  dynamic_shared_bytes: z.int().min(0),
  kernels: z.array(z.object({
    name: z.string(),
    registers: z.int().min(0),
    spills: z.int().min(0),
    stack: z.int().min(0),
    shared_bytes: z.int().min(0),
    dynamic_shared_bytes: z.int().min(0)
  })),
  /** Of the CUDA toolkit's programs. */
  warnings: z.array(z.string())
})
export type FactsOutput = z.infer<typeof factsOutput>

/** `NAME.trace.json`: which range of `NAME.cu` was made from which ranges of which sources. */
export const traceOutput = z.object({
  version: z.literal(1),
  /** File name of the generated text. */
  target: z.string(),
  /** URIs. */
  sources: z.array(z.string()),
  regions: z.array(z.lazy(() => region))
})
const region = z.object({
  range,
  /** Stacks of source ranges, each from the innermost outward; `source` is an index into `sources`. */
  origins: z.array(z.array(z.object({ source: z.int().min(0), range }))),
  get children() { return z.array(region) }
})

/** `heddle build FILE --instance NAME --out DIR --json` */
export const buildOutput = z.object({
  instance: z.string(),
  target: z.string(),
  /** What was chosen, as text, and what the schedule counts of itself; ptxas may count otherwise. */
  schedule: z.object({
    parameters: z.record(z.string(), z.string()),
    facts: z.record(z.string(), z.number())
  }),
  /** What was written, below the folder that was asked for. */
  files: z.array(z.string()),
  /** The content of `NAME.facts.json`; null without a CUDA toolkit, or where it does not take the text. */
  facts: factsOutput.nullable(),
  /** The program after each pass, with `--stages`. */
  stages: z.array(z.object({ name: z.string(), text: z.string() })).optional()
})
export type BuildOutput = z.infer<typeof buildOutput>

const verdict = z.enum(['right', 'wrong', 'undecided'])
const engine = z.enum(['interpreter', 'cpu'])

/** All executions of the accesses of one source line to one tensor, over all warps of a launch; lines are LSP's. */
const count = z.object({
  file: z.string(),
  line: z.int().min(0),
  /** Lines of the CUDA text. */
  cuda_lines: z.array(z.int().min(0)),
  tensor: z.string(),
  memory: z.enum(['shared', 'global']),
  access: z.enum(['load', 'store']),
  /** Of one lane. */
  bytes: z.int().min(1),
  /** Executions by a warp with at least one active lane. */
  requests: z.int().min(0),
  /** Of shared memory, 0 for global memory; `ideal_wavefronts` without bank conflicts. */
  wavefronts: z.int().min(0),
  ideal_wavefronts: z.int().min(0),
  /** Of global memory, 32 bytes each; 0 for shared memory. */
  sectors: z.int().min(0)
})
export type CountOutput = z.infer<typeof count>

/** `heddle verify FILE --instance NAME --json` */
export const verifyOutput = z.object({
  instance: z.string(),
  target: z.string(),
  verdict,
  /** One for each candidate; `candidate` is null for what the instance binds, or the default. */
  results: z.array(z.object({
    candidate: z.object({ level: z.int().min(0), index: z.int().min(0) }).nullable(),
    verdict,
    engines: z.array(z.object({
      engine,
      verdict,
      /** Why it is undecided. */
      reason: z.string().nullable(),
      milliseconds: z.int().min(0),
      runs: z.array(z.object({
        /** Of extents that are known only at launch. */
        sizes: z.record(z.string(), z.int().min(1)),
        data: z.enum(['integers', 'reals', 'wide']),
        order: z.enum(['forward', 'reverse', 'random']),
        /** Of the last kernel. */
        blocks: z.object({ run: z.int().min(0), total: z.int().min(0) }),
        /** Elements of the outputs. */
        compared: z.int().min(0),
        /** The greatest error as a share of what rounding allows; null: not finite. */
        worst: z.number().nullable(),
        /** Of `compared`, elements that rounding before them may make anything. */
        unjudged: z.int().min(0)
      }))
    })),
    assembler: z.union([
      z.object({ kind: z.literal('accepted'), toolkit: z.string() }),
      z.object({ kind: z.enum(['rejected', 'absent']), message: z.string() })
    ]),
    problems: z.array(z.object({
      file: z.string(), range, severity: z.enum(['error', 'warning', 'information']), code: z.string(),
      message: z.string(), related: z.array(z.object({ file: z.string(), range, message: z.string() }))
    })),
    /** With `--counts`, where the `cpu` engine ran. */
    counts: z.array(count).optional()
  }))
})
export type VerifyOutput = z.infer<typeof verifyOutput>

/** `heddle conformance --json` */
export const conformanceOutput = z.object({
  tests: z.array(z.object({
    name: z.string(),
    state: z.enum(['passed', 'failed', 'unsupported']),
    /** Why it did not pass; null if it did. */
    reason: z.string().nullable(),
    /** Launches of compiled kernels; 0: the model is made of constants and views, or was not run. */
    kernels: z.int().min(0),
    seconds: z.number()
  }))
})
export type ConformanceOutput = z.infer<typeof conformanceOutput>

const bytes = z.int().min(0)

/** `heddle compile MODEL.onnx --out DIR --json` */
export const compileOutput = z.object({
  model: z.string(),
  target: z.string(),
  device: z.string(),
  /** Of kernels, in one run of the model. */
  launches: z.int().min(0),
  /** Different ones. */
  kernels: z.int().min(0),
  /** Of the memory that kernels pass tensors on in; inputs, results and weights not counted. */
  peak_bytes: bytes,
  /** If every tensor had memory of its own. */
  bytes_without_reuse: bytes,
  weights_bytes: bytes,
  /** Whether it was compiled before. */
  cached: z.boolean(),
  seconds: z.number(),
  /** What was written, below the folder that was asked for. */
  files: z.array(z.string())
})
export type CompileOutput = z.infer<typeof compileOutput>

/** `heddle run MODEL.onnx --inputs DIR --outputs DIR --json` */
export const runOutput = z.object({
  engine: z.enum(['cpu', 'reference']),
  /** Launches of compiled kernels; 0 on the reference. */
  kernels: z.int().min(0),
  /** From the model to a program, g++ included; little where both were kept. */
  build_seconds: z.number(),
  run_seconds: z.number(),
  /** What was written, below the folder that was asked for. */
  outputs: z.array(z.object({
    file: z.string(), name: z.string(), element: z.string(), shape: z.array(z.int().min(0))
  }))
})
export type RunOutput = z.infer<typeof runOutput>

const applied = z.object({
  operator: z.string(),
  /** The nodes of the model that it stands for, by name. */
  nodes: z.array(z.string())
})

/** `heddle fusion MODEL.onnx --json` */
export const fusionOutput = z.object({
  model: z.string(),
  target: z.string(),
  device: z.string(),
  /** In the order of their launches. */
  groups: z.array(z.object({
    /** Null: the group only gives a tensor another shape, and nothing is launched. */
    kernel: z.string().nullable(),
    schedule: z.string().nullable(),
    launches: z.int().min(0),
    operators: z.array(applied.extend({ role: z.enum(['prologue', 'anchor', 'epilogue']) })),
    /** Bytes that its fused edges save. */
    saved: z.int()
  })),
  /** Each use of one operator's result by another. */
  edges: z.array(z.object({
    tensor: z.string(),
    from: applied,
    to: applied,
    fused: z.enum(['prologue', 'epilogue']).nullable(),
    /** How it is fused, or why it is not. */
    reason: z.string(),
    /** In bytes; null where it is not fused. What is written and read if it is not, what is read more if it is. */
    traffic: z.object({ written: bytes, read: bytes, read_more: z.int(), saved: z.int() }).nullable()
  })),
  launches: z.int().min(0),
  /** If every operator were a kernel of its own; those that only give a tensor another shape are none. */
  launches_without_fusion: z.int().min(0),
  saved: z.int()
})
export type FusionOutput = z.infer<typeof fusionOutput>

/** `heddle export MODEL.onnx --out DIR --json` */
export const exportOutput = z.object({
  model: z.string(),
  target: z.string(),
  kernels: z.int().min(0),
  weights_bytes: bytes,
  /** What was written, below the folder that was asked for. */
  files: z.array(z.string())
})
export type ExportOutput = z.infer<typeof exportOutput>

/** `heddle cache status --json`; of `clear`, what was removed. */
export const cacheOutput = z.object({
  folder: z.string(),
  /** Of all bytes. */
  limit: bytes,
  bytes,
  kinds: z.array(z.object({ kind: z.string(), entries: z.int().min(0), bytes }))
})
export type CacheOutput = z.infer<typeof cacheOutput>

/** `heddle doctor --json`. */
export const doctorOutput = z.object({
  version: z.string(),
  node: z.string(),
  platform: z.string(),
  tools: z.array(z.object({
    name: z.string(),
    purpose: z.string(),
    path: z.string().nullable(),
    version: z.string().nullable()
  })),
  /** What runs kernels for `heddle verify`. */
  engines: z.array(z.object({ engine, works: z.boolean(), message: z.string() }))
})
export type DoctorOutput = z.infer<typeof doctorOutput>
