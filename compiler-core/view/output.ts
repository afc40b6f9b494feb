/** The JSON of the command line, one schema a command. Programs rely on these forms. */
import * as z from 'zod'

const index = z.array(z.int().min(0))
const position = z.object({ line: z.int().min(0), character: z.int().min(0) })

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
    range: z.object({ start: position, end: position }),
    severity: z.enum(['error', 'warning', 'information']),
    code: z.string(),
    message: z.string()
  })
)
export type CheckOutput = z.infer<typeof checkOutput>

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
  }))
})
export type DoctorOutput = z.infer<typeof doctorOutput>
