// A child whose tasks say what it shall do; the number of its process is the answer where it gives one.
import { spawn } from 'node:child_process'

process.on('message', ({ act, socket }) => {
  switch (act) {
    case 'answer': process.send({ result: process.pid, residentBytes: 1 }); break
    case 'grow': process.send({ result: process.pid, residentBytes: 1000 }); break
    case 'exit': process.exit(3); break
    case 'throw': throw new TypeError('no such thing')
    case 'kill': process.kill(process.pid, 'SIGSEGV'); break
    case 'hang': for (;;) ;
    case 'family':
      spawn(process.execPath, ['-e', `require('net').connect(${JSON.stringify(socket)})`])
      break
    case 'silence': break
  }
})
