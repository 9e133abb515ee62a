/* What the API answers: docs/agent-door.md and docs/openapi.yaml say more. */

export type Mode = 'discover' | 'monitor' | 'protect';
export const MODES: readonly Mode[] = ['discover', 'monitor', 'protect'];

export type Role = 'viewer' | 'operator' | 'admin';
export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';
export const SEVERITIES: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical'];

export interface Session {
	user: string;
	role: Role;
	csrf: string;
}

export interface Port {
	device: string;
	host_device?: string;
	kind: string;
	mac: string;
	state: string;
	layout?: string;
	doing?: string;
	why?: string;
}

export interface About {
	name?: string;
	service?: string;
	namespace?: string;
	pod?: string;
	image?: string;
	runtime?: string;
	node?: string;
	state?: string;
	labels?: Record<string, string>;
	[more: string]: unknown;
}

export interface SensorUse {
	sensor: string;
	kind: 'dlp' | 'waf';
	id: number;
	action: 'alert' | 'block';
}

export interface Workload {
	id: string;
	name: string;
	state: string;
	mode: Mode | '';
	groups: string[];
	addresses: string[];
	ports: Port[];
	detection?: { sensors: SensorUse[]; signatures: 'off' | 'alert' | 'enforce' };
	quarantined?: string; /* why */
	why?: string; /* why it is not guarded */
	about: About;
}

export interface Container {
	id: string;
	pid: number;
	about: About;
}

export interface Term {
	key: string;
	op?: string;
	value?: string | string[];
}

export interface Group {
	name: string;
	mode?: Mode;
	where?: Term[];
	comment?: string;
	dlp?: Record<string, 'alert' | 'block'> | SensorUse[];
	waf?: Record<string, 'alert' | 'block'> | SensorUse[];
	signatures?: 'off' | 'alert' | 'enforce';
	members?: string[];
	learned?: boolean;
}

export interface Sensor {
	name: string;
	kind: 'dlp' | 'waf';
	id: number;
	ready: boolean;
}

export interface Groups {
	groups: Group[];
	default_mode: Mode;
	sensors: Sensor[];
}

/* As in docs/policy.md; what is not known here is kept as it is. */
export interface Rule {
	id?: number;
	from: string[] | string;
	to: string[] | string;
	ports?: string[];
	applications?: string[];
	action: 'allow' | 'deny' | 'reject' | 'alert' | 'learn' | string;
	comment?: string;
	disabled?: boolean;
	origin?: 'learned' | 'user' | string;
	side?: 'client' | 'server';
	hits?: number;
	last_hit?: number;
	[more: string]: unknown;
}

export interface Change {
	revision: number;
	in_force: boolean;
}

export interface ListDiff<T> {
	added?: T[];
	removed?: T[];
	changed?: { from: T; to: T }[];
	moved?: { id: number; after?: number }[];
}

export interface PolicyDiff {
	default_mode?: { from: Mode; to: Mode };
	groups?: ListDiff<Group>;
	rules?: ListDiff<Rule>;
	sensors?: ListDiff<Record<string, unknown>>;
	responses?: ListDiff<Record<string, unknown>>;
}

/* Connections that would be judged differently. */
export interface ComparedRow {
	was: string;
	is: string;
	rule: number;
	side: 'client' | 'server';
	from?: string;
	to?: string;
	port: string;
	app?: string;
	sessions: number;
	first_seen: number;
	last_seen: number;
	workloads: string[];
	more_workloads?: number;
}

export interface Compared {
	compared: { sessions: number; differ: number; rows: ComparedRow[] };
	conversations: number;
	cut: boolean;
}

export interface Proposal {
	id: string;
	key: string;
	rule: Rule;
	provenance: {
		first_seen: number;
		last_seen: number;
		sessions: number;
		workloads: string[];
		more_workloads?: number;
		/* In a fleet: which nodes have seen it. */
		nodes?: { node: string; sessions: number }[];
		more_nodes?: number;
	};
	rejected?: boolean;
}

export interface Ends {
	client?: string;
	client_id?: string;
	client_address?: string;
	client_port?: number;
	server?: string;
	server_id?: string;
	server_address?: string;
	server_port?: number;
	port?: number;
	proto?: string;
	application?: string;
}

export interface Flow extends Ends {
	node?: string; /* of a fleet: who told of it, and which of that node's */
	id?: number;
	first_seen: number;
	last_seen: number;
	action: string;
	rule: number;
	sessions: number;
	violations: number;
	packets: number;
	bytes: number;
	told_by: 'client' | 'server';
	server_name?: string; // of an address outside
}

export const EVENT_KINDS = [
	'violation',
	'threat',
	'signature',
	'dlp',
	'waf',
	'state',
	'change',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/* What was read for a page of what all nodes of a fleet recorded. */
export interface FleetRead {
	messages: number;
	bytes: number;
	damaged: number;
	oldest: number;
	cut: boolean;
}

interface FleetSent {
	known: boolean;
	batches: number;
	failed: number;
	left_out: number;
}

/* This host as a node of a fleet. */
export interface FleetHere {
	name: string;
	node: string;
	up: boolean;
	since: number;
	text?: string; /* why it is not up */
	nodes_text?: string; /* why the others could not be asked how they are */
	revision: number; /* the fleet's; 0: it has no policy */
	in_force: boolean;
	refused?: string;
	others: { nodes: number; workloads: number; refused: number };
	sent: { events?: FleetSent; flows?: FleetSent };
}

/* Another one, as it has told last. */
export interface FleetNode {
	node: string;
	seen: number;
	workloads: number;
	silent: boolean;
	weir?: string;
	revision?: number;
	in_force?: boolean;
	plane_up?: boolean;
	started?: number;
	guarded?: number;
	refused?: string;
}

export interface WeirEvent extends Ends {
	node?: string; /* of a fleet: who recorded it; else of a change: where it was made */
	made_on?: string;
	number: number;
	at: number;
	kind: EventKind;
	severity: Severity;
	workload: string;
	text: string;
	who?: string | null;
	by?: string;
	part?: string;
	action?: string;
	rule?: number;
	direction?: string;
	flags?: string[];
	flow?: number | string;
	count?: number;
	first_seen?: number;
	last_seen?: number;
	id?: number;
	rev?: number;
	name?: string;
	classtype?: string;
	said_by?: 'client' | 'server';
	told_by?: 'client' | 'server';
	request?: string;
	from?: string; /* of a threat: addresses */
	to?: string;
	from_port?: number;
	to_port?: number;
	field?: string;
	offset?: number;
	length?: number;
	evidence?: string;
	raw?: string;
	raw_offset?: number;
	webhooks?: string[];
	packets?: number;
	bytes?: number;
	sessions?: number;
	violations?: number;
}

export interface InForce {
	state: string;
	version?: number;
	error?: string;
	rules?: number;
	refused?: number;
	left_out?: number;
	sensors?: number;
	workloads?: number;
	signatures?: number;
	files?: number;
}

export interface Status {
	version: string;
	node: string;
	started: number;
	releasing: boolean;
	counts: {
		workloads: number;
		containers: number;
		ports: number;
		diverted: number;
		failed: number;
		unclaimed: number;
		refused: number;
	};
	data_plane: {
		up: boolean;
		since?: number;
		starts?: number;
		version?: { version?: string; pid?: number };
		other_version?: string;
	};
	policy: { revision: number; compiled: number; in_force: boolean; error?: string };
	detection: { signatures: InForce; sensors: InForce };
	runtimes: { kind: string; path: string; up: boolean; since: number; text: string }[];
	fleet?: FleetHere; /* of no fleet: not there */
	records: {
		waiting: number;
		lost_flows: number;
		lost_events: number;
		state: string;
		last_event: number;
		store?: { flows: number; events: number; bytes_on_disk: number; write_failures: number };
	};
}

export interface TopWorkload {
	id: string;
	name: string;
	mode: Mode | '';
	state: string;
	packets_in: number;
	packets_out: number;
	bytes_in: number;
	bytes_out: number;
	dropped: number;
	violations: number;
	sessions: number;
	sessions_made: number;
}

export interface Top {
	workloads: TopWorkload[];
	clock_us: number;
	at?: number;
}

export interface ThroughputPoint {
	at: number;
	bytes: number;
	frames: number;
	dropped: number;
	sessions: number;
	new_sessions: number;
	violations: number;
	threats: number;
}

export interface Throughput {
	step: number;
	points: ThroughputPoint[];
}

export type Verdict = 'allowed' | 'violation' | 'denied';

export interface MapNode {
	id: string;
	name: string;
	namespace: string;
	service: string;
	groups: string[];
	mode: Mode | '';
	state: string;
	kind: 'workload' | 'address' | 'outside';
}

export interface MapEdge {
	from: string;
	to: string;
	protos_ports: string[];
	applications: string[];
	sessions: number;
	bytes: number;
	verdict: Verdict;
	denied?: number; /* of the sessions */
	violations?: number;
	rule: number;
	threats: number;
	first_seen: number;
	last_seen: number;
}

export interface MapAnswer {
	nodes: MapNode[];
	edges: MapEdge[];
	gone?: ({ from: string; to: string } | { node: string })[];
	next: number;
	after?: number; /* of what is told unasked: what it is a change of */
	whole: boolean;
	recorded: { first: number; last: number };
	since?: number; /* of which time it is */
	until?: number;
	left_out: number;
}

export interface Capture {
	id: string | number;
	workload: string;
	started: number;
	ended?: number;
	state: 'running' | 'done' | 'failed';
	why?: string;
	frames: number;
	bytes: number;
	lost: number;
	filter?: string;
	name?: string; /* the workload's */
	by?: string;
	seconds?: number; /* at most */
	max_bytes?: number;
}

export interface Revision {
	name?: string;
	revision: number;
	saved: number;
	bytes: number;
	what?: string; /* none of the three: made by an older version */
	who?: string;
	by?: string;
}

/* A session as the data plane has it now. */
export interface LiveSession {
	id: number;
	workload: string; /* a MAC */
	proto: string;
	direction: 'ingress' | 'egress';
	client: string;
	client_port: number;
	client_name?: string;
	server: string;
	server_port: number;
	server_name?: string;
	client_bytes: number;
	server_bytes: number;
	client_packets: number;
	server_packets: number;
	client_state?: string;
	server_state?: string;
	application_name?: string;
	action: string;
	rule: number;
	reason: string;
	blocked: boolean;
	age_s: number;
	idle_s: number;
	flags?: string[];
}

export interface ExplainedEnd {
	address: string;
	workload: string;
	name: string;
	mode: Mode | '';
}

export interface ExplainAnswer {
	workload: string;
	direction: 'ingress' | 'egress';
	decided_by: string;
	rule: number;
	action: string;
	reason: string;
	text: string;
	passes: boolean;
	tapped: boolean;
	rejected: boolean;
	grace_minutes?: number;
	name?: string;
}

export interface Explained {
	from: ExplainedEnd;
	to: ExplainedEnd;
	explained: { answers: ExplainAnswer[]; more?: number };
}

export interface Fault {
	file: string;
	line: number;
	column: number;
	keyword?: string;
	text: string;
}

export interface SignatureFile {
	name: string;
	bytes: number;
	builtin?: boolean;
}

export interface SignatureStatus {
	files: SignatureFile[];
	builtin_missing?: string; // where those that come with Weir should be
	variables?: Record<string, string>;
	signatures: InForce & { faults?: Fault[] };
	sensors: InForce & { faults?: Fault[] };
}

export interface ResponseRule {
	id: number;
	event: string;
	group?: string;
	conditions?: { field: string; op?: string; value: string | number | (string | number)[] }[];
	actions: Record<string, unknown>[];
	comment?: string;
	disabled?: boolean;
	fired?: number;
	last_fired?: number;
	held_back?: number; /* it would have acted too often */
}

/* An event of kind response. */
export interface ResponseFired {
	number?: number;
	at: number;
	response: number;
	event?: string; /* the kind of that which was responded to */
	workload?: string;
	done?: string[];
	failed?: string;
	text: string;
}

export interface User {
	user?: string;
	name?: string;
	role: Role;
	made?: number;
}

export interface Token {
	id: number | string;
	name: string;
	user: string;
	role: Role;
	made?: number;
	ends?: number;
}

export type Settings = Record<string, unknown>;
