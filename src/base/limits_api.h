/*
 * Limits of weir-api: what a client may take of it. A part of base/limits.h,
 * which has no room left.
 */
#pragma once

/* --- connections ---------------------------------------------------------- */

/*
 * Clients at a time, of one listening address: API_STREAMS_MAX that look, and
 * who asks beside them. One more waits in the kernel's queue.
 */
#define API_CONNECTIONS_MAX 1280
/*
 * Of those, of one IP address, that have not shown a session or a token yet:
 * more are refused. Behind a proxy all are one address; it keeps few open.
 */
#define API_UNKNOWN_PER_ADDRESS 64
/*
 * Memory of a connection: a request's line and headers have to fit (431 else), and
 * a piece of an answer.
 */
#define API_CONNECTION_BYTES 16384
/* Who neither sends nor takes anything for so long is cut off. */
#define API_IDLE_S 20
/*
 * A request has to be there whole after so long, however slowly it trickles, and
 * its answer has to be taken after so long; cut off. A stream has no end.
 */
#define API_REQUEST_S 30
#define API_ANSWER_S  300
/* A body: JSON; a policy, or a file of rules. 413. */
#define API_BODY_MAX	  (256u << 10)
#define API_TEXT_BODY_MAX (8u << 20)
/* One of somebody who is not known yet: a name, a password, a word. 413. */
#define API_LOGIN_BODY_MAX 8192
/* Bodies of all requests together, so that many large ones are not taken: 503. */
#define API_BODIES_MAX (24u << 20)

/* --- TLS ------------------------------------------------------------------- */

/* Bytes of a PEM file, and certificates in one; more: it is not taken. */
#define API_PEM_BYTES_MAX  (1u << 20)
#define API_CERT_CHAIN_MAX 16
/* Their files are looked at so often; whoever reads them is given up after: */
#define API_CERT_CHECK_S 10
#define API_PEM_WAIT_S	 10

/* --- requests --------------------------------------------------------------- */

/* Parts of a path, arguments of a query, bytes of one. 400, or 404. */
#define API_PATH_PARTS_MAX 8
#define API_PATH_PART_MAX  256
#define API_QUERY_MAX	   32
#define API_URI_MAX	   8192
/* Depth of a body's JSON; ours has ten. 400. */
#define API_JSON_DEPTH_MAX 32
/* Elements of one page: as asked for, and at most. */
#define API_PAGE_DEFAULT 1000
#define API_PAGE_MAX	 1000

/* --- the agent ---------------------------------------------------------------- */

/*
 * Threads that ask: what the agent answers by itself, and what waits for a data
 * plane, which may hang for DOOR_WAIT_S and must not keep the others waiting.
 * Each may have a large answer (3 MiB of ten thousand rules) in its hands.
 */
#define API_QUICK_THREADS 4
#define API_SLOW_THREADS  8
/* Requests that wait for a thread; more: 503. */
#define API_JOBS_MAX 512
/* No answer of the agent for so long (longer than its own DOOR_WAIT_S): 504. */
#define API_AGENT_WAIT_S 40
/* Bytes of an answer; longer: 502. */
#define API_ANSWER_MAX (32u << 20)

/* --- who may -------------------------------------------------------------------- */

/* Users, tokens and sessions; more: refused, but for a user's oldest session. */
#define API_USERS_MAX		  256
#define API_TOKENS_MAX		  512
#define API_SESSIONS_MAX	  2048
#define API_SESSIONS_PER_USER_MAX 16
/* A name, in bytes; a password's. Longer ones than 256 are nobody's to type. */
#define API_NAME_MAX	 64
#define API_PASSWORD_MIN 10
#define API_PASSWORD_MAX 256
/* A session nobody used for so long ends, and any after so long. */
#define API_SESSION_IDLE_S 28800
#define API_SESSION_MAX_S  604800
/* The link for the first admin. */
#define API_SETUP_S 86400
/*
 * Argon2id: 19 MiB and two passes (OWASP's least; its memory is what an attacker
 * pays for), one at a time, so that weir-api stays below 64 MiB: some 40 ms.
 */
#define API_ARGON_BYTES	 (19u << 20)
#define API_ARGON_PASSES 2
/*
 * Wrong passwords in API_LOGIN_WINDOW_S: from an address, for a user from an
 * address, and for a user from anywhere. More: 429 until the window has moved on;
 * the last is so high that nobody is locked out by a stranger at once.
 */
#define API_LOGIN_WINDOW_S 300
#define API_LOGIN_ADDRESS  20
#define API_LOGIN_PAIR	   5
#define API_LOGIN_USER	   100
/* Addresses, users and pairs of which that is known; the oldest is forgotten. */
#define API_LOGIN_KEYS 4096
/* Logins that wait for their turn; more: 503. */
#define API_LOGINS_MAX 16
/* Bytes of the file they are kept in; a larger one is not ours. */
#define API_STATE_BYTES_MAX (4 << 20)

/* --- the web UI ------------------------------------------------------------------ */

/* Files, which are kept in memory, and their bytes; more: it does not start. */
#define API_FILES_MAX	    512
#define API_FILES_BYTES_MAX (16u << 20)

/* --- time -------------------------------------------------------------------------- */

/* How often slow clients are looked for, and streams' news are sent. */
#define API_TICK_MS 100

/* --- streams ------------------------------------------------------------------------ */

/* Open at a time; one more: 503. */
#define API_STREAMS_MAX 1024
/*
 * Messages that are kept for who has not read them yet, and their bytes, however
 * many read, and for how long at most; who is further behind is told how many he
 * missed.
 */
#define API_MESSAGES_MAX       4096
#define API_MESSAGES_BYTES_MAX (8u << 20)
#define API_MESSAGE_KEPT_US    (60 * USEC_PER_SEC)
/* One of them (a whole map); a larger one is told as missed: it is to be fetched. */
#define API_MESSAGE_MAX (2u << 20)
/* A comment to who has had nothing for so long: proxies cut silent connections. */
#define API_HEARTBEAT_S 15
/* How often the agent is asked for a map's changes, top, status. */
#define API_POLL_MS 2000
/* So often it is looked whether who reads still may. */
#define API_STREAM_CHECK_S 5

/* Workloads that have rows of their own in /metrics; the others have one. */
#define API_METRICS_WORKLOADS_MAX 1000
