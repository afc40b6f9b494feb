/** Where the command keeps what it can make again: the folder that the operating system has for that. */
import os from 'node:os'
import path from 'node:path'

export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, home = os.homedir()): string {
  switch (process.platform) {
    case 'win32': return path.join(environment['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local'), 'heddle', 'Cache')
    case 'darwin': return path.join(home, 'Library', 'Caches', 'heddle')
    default: return path.join(absolute(environment['XDG_CACHE_HOME']) ?? path.join(home, '.cache'), 'heddle')
  }
}

/** The XDG Base Directory Specification has relative paths ignored. */
function absolute(folder: string | undefined): string | undefined {
  return folder !== undefined && path.isAbsolute(folder) ? folder : undefined
}
