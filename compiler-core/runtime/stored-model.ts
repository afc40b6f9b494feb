/**
 * A model compiled once: the second time its package comes from the cache.
 *
 *     key   the model's bytes, what is bound, the device, options, the version of the compiler
 *     and   size and time of each file beside the model that the compiler was interested in
 */
import { createHash } from 'node:crypto'
import type { ImportOptions } from '../graph/onnx/import.ts'
import type { ModelProblem } from '../graph/onnx/problem.ts'
import type { ExternalData } from '../graph/onnx/tensor-proto.ts'
import { compileModel, packageOfModel, writeModelWeights, type CompiledModel, type CompileOptions } from './compile-model.ts'
import type { DiskCache } from '../toolchain/disk-cache.ts'
import { packageBytes, packageOf, type Package } from './package.ts'
import { weightsBytes } from './weights.ts'

export interface ModelSource {
  readonly name: string
  readonly bytes: Uint8Array
  readonly external: ExternalData
  /** The files beside the model that `external` was asked for. */
  readonly asked: ReadonlySet<string>
  /** What changes when such a file does; undefined: it is not there. */
  readonly stampOf: (location: string) => string | undefined
}

export interface StoredOptions extends CompileOptions, Pick<ImportOptions, 'bindings' | 'shapes' | 'values'> {
  /** Undefined: nothing is kept. */
  readonly cache: DiskCache | undefined
  /** Of the compiler: what another one made is not used. */
  readonly version: string
}

export interface StoredModel {
  readonly package: Package
  readonly fromCache: boolean
  readonly weightsBytes: number
  /** The path of the file of weights, which is made if it is not kept; needs a cache. */
  readonly weights: () => string | { readonly problem: string }
}

export function openModel(
  source: ModelSource, options: StoredOptions
): { readonly model: StoredModel | undefined; readonly problems: readonly ModelProblem[] } {
  const key = keyOf(source, options), stored = storedPackage(source, options, key)
  if (stored) {
    const again = (): CompiledModel | undefined => compileModel(source.bytes, { ...options, ...named(source) }).compiled
    return { model: storedModel(options, key, stored, true, again), problems: [] }
  }
  const { compiled, problems } = compileModel(source.bytes, { ...options, ...named(source) })
  if (!compiled) return { model: undefined, problems }
  const made: Made = { weightsBytes: weightsBytes(compiled.planned.constants), files: stampsOf(source) }
  const result = { package: packageOfModel(compiled, true), made }
  options.cache?.put('packages', key, packageBytes(result.package, made))
  return { model: storedModel(options, key, result, false, () => compiled), problems: [] }
}

/** What is kept with a package. */
interface Made {
  readonly weightsBytes: number
  /** By location, the stamps of the files beside the model. */
  readonly files: Readonly<Record<string, string>>
}

function named({ name, external }: ModelSource): Pick<ImportOptions, 'name' | 'external'> {
  return { name, external }
}

function stampsOf({ asked, stampOf }: ModelSource): Made['files'] {
  return Object.fromEntries([...asked].sort().map(location => [location, stampOf(location) ?? '']))
}

function storedPackage(
  { stampOf }: ModelSource, { cache }: StoredOptions, key: string
): { readonly package: Package; readonly made: Made } | undefined {
  const content = cache?.read('packages', key)
  if (!content) return undefined
  const { package: found, more } = packageOf(content), made = more as Made
  const isSame = Object.entries(made.files).every(([location, stamp]) => stampOf(location) === stamp)
  return isSame ? { package: found, made } : undefined
}

function storedModel(
  { cache }: StoredOptions, key: string, { package: found, made }: { readonly package: Package; readonly made: Made },
  fromCache: boolean, compiled: () => CompiledModel | undefined
): StoredModel {
  return {
    package: found, fromCache, weightsBytes: made.weightsBytes,
    weights: () => {
      if (!cache) return { problem: 'There is no folder in which weights can be kept.' }
      const own = createHash('sha256').update(JSON.stringify([key, made.files])).digest('hex')
      const known = cache.find('weights', own)
      if (known !== undefined) return known
      const model = compiled()
      if (!model) return { problem: 'The model changed while it was used.' }
      return cache.put('weights', own, file => { writeModelWeights(file, model) })
        ?? { problem: 'The weights cannot be written into the cache.' }
    }
  }
}

function keyOf(
  { name, bytes }: ModelSource, { architecture, device, parallelK, bindings, shapes, values, version }: StoredOptions
): string {
  const hash = createHash('sha256')
  const sorted = <T>(map: ReadonlyMap<string, T> | undefined): readonly (readonly [string, T])[] =>
    [...map ?? []].sort(([a], [b]) => (a < b ? -1 : 1))
  const plain = [version, name, architecture.name, device.name, parallelK, sorted(bindings), sorted(shapes)]
  hash.update(JSON.stringify(plain))
  for (const [input, data] of sorted(values)) {
    hash.update(JSON.stringify([input, data.element, data.shape]))
    hash.update(data.bytes)
  }
  return hash.update(bytes).digest('hex')
}
