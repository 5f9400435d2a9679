/** What a simulated world is made of; its form and its reading stand in `spec/world.ts`. */

export { plainRelease, plainWorld, type WorldScript } from '../../../spec/world.ts';
