/** The tree of sub-commands, as every command file sees it. */

import type { Command } from '@commander-js/extra-typings';

/** What a command file adds itself to. */
export type Program = Command;
