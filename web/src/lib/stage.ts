/* A rule made of an event: staged, said, and found again. */
import { textOf } from './event';
import { places } from './places.svelte';
import { href } from './route.svelte';
import { ruleOfEvent } from './rule';
import { staged } from './staged.svelte';
import { t } from './strings';
import { toasts } from './toast.svelte';
import type { Rule, WeirEvent } from './types';

/* undefined: it tells of nothing that a rule could allow. */
export function ruleFor(e: WeirEvent): Rule | undefined {
	const can = e.kind === 'violation' && (e.client_address || e.client_id);
	return can ? ruleOfEvent(e, places.groupsOf) : undefined;
}

/* The key of the rule that is staged for it already. */
export function stagedFor(rule: Rule | undefined): string | undefined {
	return rule && staged.list.find((s) => s.what === 'add' && s.rule.comment === rule.comment)?.key;
}

export function stageRule(e: WeirEvent, rule: Rule) {
	staged.add({ what: 'add', rule, after: 0, from: textOf(e) });
	toasts.say(t.events.madeRule, 'good', { text: t.events.toPolicy, run: () => (location.hash = href('policy')) });
}
