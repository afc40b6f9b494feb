/**
 * A compiled model as a project of its own, in CUDA and C++.
 *
 *     model.h               what a program calls: plain C
 *     model.cu              on a GPU, by the CUDA runtime alone: one CUDA graph
 *     model_cpu.cpp, cpu/   on the processor, by g++ alone
 *     plan.h, steps.h       tensors; launches in order
 *     kernels.h, kernels/   CUDA texts
 *     weights.bin           (written by who has the model)
 *     CMakeLists.txt, README.md, main.cpp
 */
import { cpuHeaders, kernelFlags } from '../cpu/build.ts'
import { cpuWrappers, launchArguments, partsOf, waitsForOthers } from '../cpu/text.ts'
import { bytesOfTensor } from '../cpu/job.ts'
import { countOf, dataOf } from '../../graph/tensor-data.ts'
import { bytesOf } from '../../ir/memory.ts'
import type { Package } from '../package.ts'
import type { Plan, PlanKernel, PlanPort, PlanTensor, Step } from '../plan.ts'
import launch from './launch.h'
import example from './main.cpp'
import modelCpu from './model_cpu.cpp'
import modelCuda from './model_cuda.cpp'
import model from './model.h'
import tensors from './tensors.h'

/** Texts by path below the project's folder; or an instruction that cannot be translated for the processor. */
export function exportProject(
  { plan, files }: Package, weightBytes: number
): ReadonlyMap<string, string> | { readonly problem: string } {
  const kernels = new Map<string, string>()
  for (const file of new Set(plan.kernels.map(kernel => kernel.file))) {
    const text = kernelText(files.get(file) ?? '', plan.kernels.filter(kernel => kernel.file === file))
    if (typeof text !== 'string') return { problem: `\`${text.unknown}\` of \`${file}\` cannot be compiled without CUDA.` }
    kernels.set(file, text)
  }
  return new Map([
    ['CMakeLists.txt', cmakeText(plan, [...kernels.keys()])], ['README.md', readmeText(plan, weightBytes)],
    ['model.h', model], ['model.cu', modelCuda], ['model_cpu.cpp', modelCpu], ['main.cpp', example],
    ['launch.h', launch], ['tensors.h', tensors],
    ['plan.h', planText(plan, weightBytes)], ['kernels.h', kernelsText(plan, files)], ['steps.h', stepsText(plan)],
    ...Object.entries(cpuHeaders).map(([name, text]) => [`cpu/${name}`, text] as const), ...kernels
  ])
}

// ---------------------------------------------------------------- kernels

/** The text for nvcc and, without its inline assembly, for g++. */
function kernelText(cuda: string, kernels: readonly PlanKernel[]): string | { readonly unknown: string } {
  const { heading, wrappers, kernels: body } = partsOf(cuda)
  const forCpu = cpuWrappers(wrappers)
  if (typeof forCpu !== 'string') return forCpu
  const [cudaWrappers, cpu] = [wrappers, forCpu].map(text => text.trimEnd())
  return [
    heading, ...waitsForOthers(cuda) ? ['#define HEDDLE_WAITS'] : [], '#include "../launch.h"\n',
    ...wrappers === '' ? [] : [
      `#ifdef __CUDACC__\n${cudaWrappers}\n#else\n#include "../cpu/instructions.h"\n\n${cpu}\n#endif\n`
    ],
    body,
    ...kernels.map(kernel => `LAUNCHER(${[
      kernel.name, kindOf(cuda), ...kernel.block, kernel.dynamicSharedBytes, ...launchArguments(kernel, 'ARGUMENT')
    ].join(', ')})`)
  ].map(part => `${part}\n`).join('')
}

function kernelsText({ kernels }: Plan, files: Package['files']): string {
  return '// All kernels: name, kind, threads of a block (launch.h).\n' + kernels.map(({ name, file, block }) =>
    `KERNEL(${[name, kindOf(files.get(file)!), ...block].join(', ')})\n`).join('')
}

/** Of the kernels of a text, by launch.h. */
function kindOf(cuda: string): 'fibers' | 'plain' {
  return waitsForOthers(cuda) ? 'fibers' : 'plain'
}

// ---------------------------------------------------------------- the plan

function planText(plan: Plan, weightBytes: number): string {
  return [
    `// The tensors that ${commentText(plan.name)} takes and gives, and the memory it needs.`, '#pragma once',
    '#include "model.h"', '', `#define WEIGHT_BYTES ${weightBytes}u`, `#define ARENA_BYTES ${plan.arenaBytes}ull`,
    ...portsText('input', plan.inputs), ...portsText('output', plan.outputs)
  ].map(line => `${line}\n`).join('')
}

/** Arrays have one element more than there are ports, since C++ has none of no elements. */
function portsText(kind: 'input' | 'output', ports: readonly PlanPort[]): readonly string[] {
  return [
    '', `#define ${kind.toUpperCase()}S ${ports.length}`,
    ...ports.map(({ shape }, i) => `static const int64_t ${kind}_${i}_shape[] = { ${[...shape, 0].join(', ')} };`),
    `static const model_tensor ${kind}s_of_model[] = {`,
    ...ports.map((port, i) => {
      const element = `MODEL_${port.element.toUpperCase()}`
      return `  { ${cText(port.name)}, ${element}, ${port.shape.length}, ${kind}_${i}_shape, ${bytesOfTensor(port)}u },`
    }),
    '  {}', '};'
  ]
}

/** What `LAUNCH`, `FILL` and `COPY` do is said by who includes it. */
function stepsText(plan: Plan): string {
  const { tensors: all, kernels } = plan
  const line = (step: Step): string => {
    switch (step.kind) {
      case 'launch': {
        const values = [kernels[step.kernel]!.name, ...step.grid, ...step.arguments.map(i => placeText(all, all[i]!))]
        return `LAUNCH(${values.join(', ')})  // ${commentText(step.label)}`
      }
      case 'fill': {
        const to = all[step.tensor]!, { bytes } = dataOf(to.element, [1], [step.value])
        const bits = bytes.reduceRight((text, byte) => text + byte.toString(16).padStart(2, '0'), '0x')
        return `FILL(${placeText(all, to)}, ${Math.log2(bytesOf(to.element))}, ${bits}ull, ${countOf(to.shape)}u)`
      }
      case 'copy': {
        const from = all[step.from]!
        return `COPY(${placeText(all, all[step.to]!)}, ${placeText(all, from)}, ${bytesOfTensor(from)}u)`
      }
    }
  }
  return '// Everything between inputs and outputs, in order: kernel, grid, tensors.\n' + plan.steps.map(s => `${line(s)}\n`).join('')
}

function placeText(all: Plan['tensors'], { place }: PlanTensor): string {
  switch (place.kind) {
    case 'input': return `INPUT(${place.index})`
    case 'output': return `OUTPUT(${place.index})`
    case 'constant': return `WEIGHTS(${place.offset}u)`
    case 'arena': return `ARENA(${place.offset}u)`
    case 'view': return placeText(all, all[place.of]!)
  }
}

/** A name of a model is anything: in a string of C, and in a line of a comment. */
function cText(text: string): string {
  const escaped = [...Buffer.from(text)].map(byte => {
    const isPlain = byte >= 32 && byte < 127 && !'"\\?'.includes(String.fromCharCode(byte))
    return isPlain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`
  })
  return `"${escaped.join('')}"`
}

function commentText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replace(/\\+$/, '')
}

// ---------------------------------------------------------------- building

/** What g++ needs to know of all texts; the last flag of the engine's is for those with small stacks alone. */
const cpuFlags = ['-O3', '-fpie', '-ftls-model=local-exec', '-ffp-contract=fast', ...kernelFlags]

function cmakeText({ target, name }: Plan, kernels: readonly string[]): string {
  return `cmake_minimum_required(VERSION 3.18)
# ${commentText(name)}
option(MODEL_CPU "Without CUDA: kernels are compiled by g++ and run on the processor" OFF)
set(CMAKE_CUDA_ARCHITECTURES ${target.replace('sm_', '')} CACHE STRING "What the kernels were compiled for, or newer")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(KERNELS
${kernels.map(file => `  ${file}\n`).join('')})

if(MODEL_CPU)
  project(model LANGUAGES CXX)
  find_package(Threads REQUIRED)
  set_source_files_properties(\${KERNELS} PROPERTIES LANGUAGE CXX)
  set_property(SOURCE \${KERNELS} APPEND PROPERTY COMPILE_OPTIONS
    -x c++ -Wno-unknown-pragmas
    ${cpuFlags.filter(flag => flag !== '-O3').join(' ')})
  set_property(SOURCE model_cpu.cpp APPEND PROPERTY COMPILE_OPTIONS -fpie)
  add_library(model STATIC model_cpu.cpp \${KERNELS})
  target_link_libraries(model PUBLIC Threads::Threads)
else()
  project(model LANGUAGES CXX CUDA)
  add_library(model STATIC model.cu \${KERNELS})
  set_target_properties(model PROPERTIES CUDA_RUNTIME_LIBRARY Static)
endif()
target_compile_features(model PUBLIC cxx_std_17)
target_include_directories(model PUBLIC \${CMAKE_CURRENT_SOURCE_DIR})

add_executable(example main.cpp)
target_link_libraries(example PRIVATE model)
set_target_properties(example PROPERTIES LINKER_LANGUAGE CXX)
`
}

function readmeText(plan: Plan, weightBytes: number): string {
  const port = ({ name, element, shape }: PlanPort): string => `- \`${name}\`: ${element}[${shape.join(', ')}]\n`
  const example = ['build/example weights.bin', ...plan.inputs.map((_, i) => `input_${i}.bin`)].join(' ')
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
  return `# ${commentText(plan.name)}

Compiled by Heddle for ${plan.target}: ${plan.kernels.length} kernels, ${plan.steps.length} steps,
${megabytes(weightBytes)} of weights, ${megabytes(plan.arenaBytes)} of memory between kernels.

Inputs:

${plan.inputs.map(port).join('')}
Outputs:

${plan.outputs.map(port).join('')}
${plan.inputs.length === 0 ? '' : inputFiles}## With CUDA

    cmake -B build && cmake --build build -j
    ${example}

or without CMake:

    nvcc -O3 -std=c++17 -arch=${plan.target} -I. model.cu kernels/*.cu main.cpp -o example

Only the CUDA runtime is used. All launches are captured as one CUDA graph, so that a run is a single launch.

## Without CUDA

g++ alone (Linux, x86-64 or arm64) builds the same kernels for the processor; blocks run on all cores:

    cmake -B build -DMODEL_CPU=ON && cmake --build build -j
    ${example}

or without CMake:

    for f in kernels/*.cu; do g++ -x c++ -std=c++17 ${cpuFlags.join(' ')} -Wno-unknown-pragmas -I. -c $f -o $f.o; done
    g++ -O2 -std=c++17 -fpie -pthread -I. model_cpu.cpp main.cpp kernels/*.o -o example

## In a program

\`model.h\` is plain C: \`model_create("weights.bin")\`, \`model_run(handle, inputs, outputs)\` with addresses in the memory
of the host, \`model_destroy(handle)\`; what went wrong is told by \`model_error()\`. \`main.cpp\` shows it. Link the library
\`model\` into an executable, and only one such model into a program, since the symbols of all of them are alike: they begin
with \`model_\`; with CUDA also with \`launch_\`, \`__device_stub__\` and the names of the kernels; without CUDA also with
\`run_\`, \`heddle_\` and the names of the kernels, and one is \`shared_memory\`.
`
}

/** What the example takes. */
const inputFiles = `\`input_0.bin\` and so on hold the raw little-endian elements of the inputs above, in that order:
row by row, and nothing else.

`
