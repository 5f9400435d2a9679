/** `sluice completion`: what a shell needs to complete commands, options, running rollouts and open gates. */

import { Argument } from '@commander-js/extra-typings';
import type * as Client from '../../client/index.ts';
import type { Program } from '../command.ts';
import type { Known } from '../completion.ts';
import type { Context } from '../context.ts';
import { rolloutId, rolloutName } from '../../client/ids.ts';

export function completionCommand(program: Program, context: Context): void {
  program
    .command('completion')
    .description('print the completion for a shell: commands, options, running rollouts and open gates')
    .addArgument(new Argument('<shell>', 'which one').choices(['bash', 'zsh', 'fish'] as const))
    .addHelpText('after', examples)
    .action(
      context.ends(async (shell) => {
        context.io.out(scripts[shell]);
        return 'ok';
      }),
    );
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(
      context.ends(async (words) => {
        const { candidates } = await import('../completion.ts');
        for (const found of await candidates(program, words, knownTo(context))) context.io.out(found);
        return 'ok';
      }),
    );
}

/** Nobody waits longer for a suggestion, ms. */
const patienceMs = 1_000;

function knownTo(context: Context): Known {
  const asked = async (ask: (door: Door) => Promise<readonly string[]>): Promise<readonly string[]> => {
    const client = await import('../../client/index.ts');
    try {
      const session = await client.connect({ ...context.connection, connectTimeoutMs: patienceMs });
      return await ask({ client, session }).finally(() => session.close());
    } catch (error) {
      if (error instanceof client.ClientError) return [];
      throw error;
    }
  };
  return {
    rollouts: () =>
      asked(async ({ client, session }) =>
        (await client.list(session, { open: true })).map(({ rollout }) => rolloutName(rollout)),
      ),
    gates: (name) =>
      asked(async ({ client, session }) => {
        const [environment = '', service = ''] = rolloutName(name).split('/');
        const answer = await client.readStatus(session, rolloutId(environment, service));
        if (answer.kind === 'described') return [];
        return answer.status.requests.filter(({ state }) => state === 'open').map(({ gate }) => gate);
      }),
  };
}

interface Door {
  readonly client: typeof Client;
  readonly session: Client.Session;
}

/** Bash breaks words at `@` and `:`, so what stands before the last break is taken off again. */
const bash = `_sluice() {
  local line=\${COMP_LINE:0:COMP_POINT} reply
  local -a words
  read -ra words <<< "$line"
  [[ $line == *' ' ]] && words+=('')
  local typed=\${words[\${#words[@]}-1]}
  local before=\${typed%"\${COMP_WORDS[COMP_CWORD]}"}
  COMPREPLY=()
  while IFS= read -r reply; do
    COMPREPLY+=("\${reply#"$before"}")
  done < <("$1" complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -o default -F _sluice sluice`;

/** Loaded from `fpath` the file is the function itself, and the first call completes too. */
const zsh = `#compdef sluice
_sluice() {
  local -a found
  found=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _sluice sluice
[[ "\${funcstack[1]}" != _sluice ]] || _sluice "$@"`;

const fish = `function __sluice
  set -l words (commandline -opc)
  set -l found ($words[1] complete -- $words[2..] (commandline -ct) 2> /dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c sluice -f -a '(__sluice)'`;

const scripts = { bash, zsh, fish } as const;

const examples = `
Examples:
  $ sluice completion bash >> ~/.bashrc
  $ sluice completion zsh > "\${fpath[1]}/_sluice"
  $ sluice completion fish > ~/.config/fish/completions/sluice.fish`;
