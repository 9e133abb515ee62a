/* What boxes are called. */
import { t } from '../lib/strings';
import { ADDRESSES, OUTSIDE, type Box } from './model';

export function namespaceName(name: string): string {
	if (name === OUTSIDE) return t.map.outside;
	if (name === ADDRESSES) return t.map.addresses;
	return name || t.map.noNamespace;
}

export function boxName(b: Box): string {
	return b.kind === 'namespace' ? namespaceName(b.name) : b.name;
}

/* In the drawing: a closed box says how many are in it, and in which mode. */
export function boxText(b: Box): string {
	const name = boxName(b);
	if (b.open) return `▾ ${name}`;
	const short = name.length > 19 ? `${name.slice(0, 18)}…` : name;
	if (b.kind !== 'namespace' && b.kind !== 'group') return short;
	return `▸ ${short}\n${t.map.inBox(b.members, b.mode)}`;
}
