// Exits with 0 when node_modules holds what package-lock.json asks for, so that `make` installs only when it must.
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import process from 'node:process';

const packagesOf = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

function isInstalled() {
  if (!existsSync('node_modules')) return false;
  if (lstatSync('node_modules').isSymbolicLink()) return true; // somebody else looks after it
  if (!existsSync('node_modules/.package-lock.json')) return false;
  const present = packagesOf('node_modules/.package-lock.json');
  return Object.entries(packagesOf('package-lock.json')).every(([path, wanted]) => {
    if (path === '') return true;
    const found = present[path];
    return found === undefined ? wanted.optional === true : found.version === wanted.version;
  });
}

process.exitCode = isInstalled() ? 0 : 1;
