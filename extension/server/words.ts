/** The words of the language: what each means, and the construct that it begins, as a snippet. */

export interface Word {
  readonly word: string
  /** Where it may stand. */
  readonly place: 'file' | 'schedule' | 'statement' | 'expression' | 'inside'
  readonly documentation: string
  /** In the syntax of LSP snippets; absent for words that begin nothing. */
  readonly snippet?: string
}

export const words: readonly Word[] = [
  { word: 'import', place: 'file', documentation: 'Makes the declarations of another file visible: the library\'s `"std/..."`, or a path relative to this file.', snippet: 'import "${1:std/prelude}"' },
  { word: 'operator', place: 'file', documentation: 'What an operator computes, in index notation.', snippet: 'operator ${1:name}<T: ${2:float}>(${3:x}: T[${4:n}]) -> ${5:y}: T[${4:n}] {\n\t${5:y}[${6:i}] = $0\n}' },
  { word: 'schedule', place: 'file', documentation: 'How an operator\'s computation is assigned to blocks, warps and threads.', snippet: 'schedule ${1:name} for ${2:operator} {\n\tkernel main(grid: ${3:1}, block: ${4:128}) {\n\t\t$0\n\t}\n}' },
  { word: 'graph', place: 'file', documentation: 'Operators applied to one another; `graph ... for OPERATOR` implements an operator by others.', snippet: 'graph ${1:name}(${2:x}: ${3:f32[n]}) {\n\treturn $0\n}' },
  { word: 'instance', place: 'file', documentation: 'A schedule of an operator for given types, shapes and tunable values.', snippet: 'instance ${1:name} = ${2:operator}.${3:schedule}($0)' },
  { word: 'mapping', place: 'file', documentation: 'A task mapping given task by task, for what `spatial` and `repeat` cannot say.', snippet: 'mapping ${1:name}(${2:w} < ${3:32}) -> (${4:32}, ${5:32}) = [${6:(i, (w + i) % 32) for i in 0..32}]$0' },
  { word: 'fn', place: 'file', documentation: 'A pure function of compile-time values.', snippet: 'fn ${1:name}(${2:a}: ${3:int}) -> ${4:int} = $0' },
  { word: 'device', place: 'file', documentation: 'A function that runs on the device and is inlined where it is called.', snippet: 'device ${1:name}(${2:x}: ${3:f32}) {\n\t$0\n}' },
  { word: 'let', place: 'statement', documentation: 'Names a value, or takes a tuple apart.', snippet: 'let ${1:name} = $0' },
  { word: 'tune', place: 'schedule', documentation: 'A value that tuning chooses: its default, and the candidates of each level.', snippet: 'tune ${1:name} = ${2:default} in [$0]' },
  { word: 'require', place: 'schedule', documentation: 'Rejects a choice of tunable values for which the condition does not hold, with the message.', snippet: 'require ${1:condition}, "${2:why}"' },
  { word: 'workspace', place: 'schedule', documentation: 'Global memory that lives between the kernels of a schedule.', snippet: 'workspace ${1:name}: ${2:f32[n]}' },
  { word: 'kernel', place: 'schedule', documentation: 'A kernel with its grid and block; several of one schedule run in order.', snippet: 'kernel ${1:main}(grid: ${2:1}, block: ${3:128}) {\n\t$0\n}' },
  { word: 'level', place: 'inside', documentation: 'The candidates of a `tune` at a level of effort; a missing level takes the next lower one.' },
  { word: 'given', place: 'inside', documentation: 'Shape variables that the schedule needs to be known.' },
  { word: 'applies', place: 'inside', documentation: '`applies when CONDITION` restricts a schedule to some shapes.' },
  { word: 'when', place: 'inside', documentation: '`applies when CONDITION` restricts a schedule to some shapes.' },
  { word: 'pointwise', place: 'inside', documentation: 'A schedule `for pointwise f` serves every operator that computes each element on its own.' },
  { word: 'reduction', place: 'inside', documentation: 'A schedule `for reduction r` serves every reduction.' },
  { word: 'inverse', place: 'inside', documentation: 'Declares where an element of the input goes in the output; it is checked.' },
  { word: 'global', place: 'inside', documentation: 'Memory of the whole device.' },
  { word: 'for', place: 'statement', documentation: 'A loop over a range, or over the tasks of a worker: `for (i, j) in m.on(threadIdx.x)`.', snippet: 'for ${1:i} in ${2:0..n} {\n\t$0\n}' },
  { word: 'unroll', place: 'statement', documentation: '`unroll for` is written out by the compiler; `unroll 4 for` by that factor.', snippet: 'unroll for ${1:i} in ${2:0..n} {\n\t$0\n}' },
  { word: 'async', place: 'statement', documentation: 'A loop whose loads into shared memory run asynchronously; see `commit_group` and `wait_group`.', snippet: 'async for (${1:i}, ${2:j}) in ${3:m.on(threadIdx.x)} {\n\t$0\n}' },
  { word: 'while', place: 'statement', documentation: 'Repeats while the condition holds.', snippet: 'while ${1:condition} {\n\t$0\n}' },
  { word: 'var', place: 'statement', documentation: 'A scalar that changes.', snippet: 'var ${1:name} = $0' },
  { word: 'shared', place: 'statement', documentation: 'Memory of the block; `reuses` shares the memory of tensors whose lifetime has ended.', snippet: 'shared ${1:name}: ${2:f32}[${3:n}]$0' },
  { word: 'register', place: 'statement', documentation: 'Registers of each thread; `in m.layout` spreads the elements over threads as the mapping does.', snippet: 'register ${1:name}: ${2:f32}[${3:m}, ${4:n}] in ${5:tile.layout} = ${6:0}$0' },
  { word: 'reuses', place: 'inside', documentation: 'The memory of these tensors is used again; their lifetime has ended.' },
  { word: 'return', place: 'statement', documentation: 'Ends a function with its result; of a graph, its results.', snippet: 'return $0' },
  { word: 'break', place: 'statement', documentation: 'Leaves the innermost loop.' },
  { word: 'continue', place: 'statement', documentation: 'Goes on with the next iteration of the innermost loop.' },
  { word: 'if', place: 'expression', documentation: 'As a statement `if c { ... } else { ... }`, as a value `if c then a else b`.', snippet: 'if ${1:condition} then ${2:a} else ${3:b}' },
  { word: 'then', place: 'inside', documentation: 'The value if the condition holds: `if c then a else b`.' },
  { word: 'else', place: 'inside', documentation: 'What happens, or the value, if the condition does not hold.' },
  { word: 'where', place: 'inside', documentation: 'Names parts of one definition.' },
  { word: 'in', place: 'inside', documentation: 'What a loop runs over, the candidates of a `tune`, or the layout of a register tensor.' },
  { word: 'true', place: 'expression', documentation: 'The condition that holds.' },
  { word: 'false', place: 'expression', documentation: 'The condition that does not hold.' },
]

export const wordNamed: ReadonlyMap<string, Word> = new Map(words.map(w => [w.word, w]))
