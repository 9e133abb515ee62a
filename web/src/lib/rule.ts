/* Rules in words. */
import type { Ends, Rule, WeirEvent } from './types';

export function list(v: string[] | string | undefined): string[] {
	return v === undefined ? [] : Array.isArray(v) ? v : [v];
}

export function what(rule: Rule): string {
	const words = [...(rule.ports ?? []), ...(rule.applications ?? [])];
	return words.length > 0 ? words.join(', ') : 'anything';
}

export function ruleText(rule: Rule): string {
	return `${rule.action} ${list(rule.from).join(', ')} → ${list(rule.to).join(', ')}  ${what(rule)}`;
}

export function portOf(e: Ends): string {
	const port = e.port ?? e.server_port;
	if (!e.proto) return port ? String(port) : '';
	return port ? `${e.proto}/${port}` : e.proto;
}

/* An end by its group: the workload's service group if it is known, else the address. */
export function endWord(
	id: string | undefined,
	address: string | undefined,
	groupsOf: (id: string) => string[] | undefined,
): string {
	const groups = id ? groupsOf(id) : undefined;
	return groups?.[0] ?? address ?? 'any';
}

/* The rule that would let through what the event tells of. */
export function ruleOfEvent(e: WeirEvent, groupsOf: (id: string) => string[] | undefined): Rule {
	const rule: Rule = {
		from: [endWord(e.client_id, e.client_address, groupsOf)],
		to: [endWord(e.server_id, e.server_address, groupsOf)],
		action: 'allow',
		comment: `from event ${e.number}`,
	};
	const port = portOf(e);
	if (port) rule.ports = [port];
	return rule;
}
