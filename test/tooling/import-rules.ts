// Who may import whom: the table of ARCHITECTURE.md as rules for dependency-cruiser.
//
// A folder may import itself, what the table lists for it, and nothing else of this repository. `mapping` and `ir`
// serve all that stand on them. Packages and Node's own modules are listed too: where none is, none may be imported.
import type { IForbiddenRuleType, ICruiseOptions } from 'dependency-cruiser'

const compilerCore = [
  'mapping', 'ir', 'target', 'language', 'library', 'operators', 'graph', 'schedule', 'fusion', 'lowering', 'codegen',
  'analysis', 'compile', 'toolchain', 'verify', 'runtime', 'tuning', 'view'
]

/** folder -> [folders of compiler-core it may import, packages it may import; 'node' stands for Node's own modules] */
const table: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
  mapping: [[], []],
  view: [['mapping'], ['zod', 'd3', 'd3-[a-z]*']],
  ir: [['mapping'], []],
  target: [['mapping'], []],
  operators: [['ir', 'mapping'], []],
  language: [['library', 'operators', 'target', 'ir', 'mapping'], []],
  library: [['operators', 'target', 'ir', 'mapping'], []],
  schedule: [['language', 'operators', 'target', 'ir', 'mapping'], []],
  graph: [['operators', 'language', 'library', 'target', 'ir', 'mapping'], ['onnx-buf', '@bufbuild/protobuf']],
  fusion: [['schedule', 'operators', 'graph', 'ir', 'mapping'], []],
  lowering: [['ir', 'mapping'], []],
  codegen: [['ir', 'target', 'mapping'], []],
  analysis: [['lowering', 'schedule', 'target', 'ir', 'mapping'], []],
  compile: [
    ['language', 'operators', 'graph', 'schedule', 'fusion', 'lowering', 'codegen', 'target', 'ir', 'mapping'], []
  ],
  toolchain: [['codegen', 'target', 'ir', 'mapping'], ['node']],
  verify: [
    ['compile', 'language', 'graph', 'lowering', 'codegen', 'toolchain', 'operators', 'target', 'ir', 'mapping'], ['node']
  ],
  runtime: [
    ['compile', 'graph', 'schedule', 'fusion', 'language', 'lowering', 'codegen', 'toolchain', 'verify', 'operators', 'target', 'ir', 'mapping'],
    ['node']
  ],
  tuning: [['runtime', 'analysis', 'ir', 'mapping'], ['node']],
  cli: [compilerCore, ['node', 'commander', 'zod']]
}

/** What a folder may import of this repository, and from outside it. */
function rules(
  name: string, folder: string, allowed: readonly string[], packages: readonly string[]
): readonly IForbiddenRuleType[] {
  const own = '^(compiler-core|extension|webview|scripts|test|docs)/'
  return [
    {
      name: `${name}-folders`, severity: 'error', from: { path: `^${folder}/` },
      to: { path: own, pathNot: [`^${folder}/`, ...allowed] }
    },
    {
      name: `${name}-packages`, severity: 'error', from: { path: `^${folder}/` },
      to: {
        path: packages.includes('node') ? '(^|/)node_modules/|^vscode$' : '.',
        pathNot: [own, '^[.]', ...packages.flatMap(each => [`^${each}$`, `node_modules/(@types/)?${each}/`])]
      }
    }
  ]
}

const forbidden: readonly IForbiddenRuleType[] = [
  { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  { name: 'found', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^vscode$' } },
  ...Object.entries(table).flatMap(([name, [folders, packages]]) => rules(
    name, `compiler-core/${name}`, folders.length === 0 ? [] : [`^compiler-core/(${folders.join('|')})/`], packages
  )),
  ...rules('server', 'extension/server', ['^compiler-core/(?!cli/)'], [
    'node', 'vscode-languageserver', 'vscode-languageserver-textdocument', 'vscode-languageserver-types', 'zod'
  ]),
  ...rules('client', 'extension/client', ['^extension/server/protocol\\.ts$'], [
    'node', 'vscode', 'vscode-languageclient'
  ]),
  ...rules('webview', 'webview', ['^compiler-core/(view|mapping)/'], ['d3', 'd3-[a-z]*', '@vscode/webview-ui-toolkit'])
]

export const importRules: ICruiseOptions = {
  ruleSet: { forbidden: [...forbidden] },
  validate: true,
  doNotFollow: { path: 'node_modules' },
  tsPreCompilationDeps: true
}

export const resolveOptions = {
  extensions: ['.ts', '.js', '.json'], exportsFields: ['exports'],
  conditionNames: ['node', 'import', 'require', 'default']
}
