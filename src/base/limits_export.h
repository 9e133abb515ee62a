/*
 * Limits of weir-export, each with its reason and with what happens when it is
 * met.
 */
#pragma once

/* Outputs of one configuration: a thread each. More: refused. */
#define EXPORT_OUTPUTS_MAX 16
/*
 * Lines that wait for one output, as configured (buffer.lines) and at most, some
 * 700 bytes each; and their bytes. Full: the oldest give way, counted (lost).
 */
#define EXPORT_LINES_DEFAULT	16384
#define EXPORT_LINES_MAX	1000000
#define EXPORT_BYTES_DEFAULT_MB 32
#define EXPORT_BYTES_MAX_MB	1024
/* Lines that are given to an output at a time. */
#define EXPORT_BATCH_MAX 256
/* In one page of the agent: `events`, `trail`. */
#define EXPORT_PAGE 1000
/* Between two looks for what is new. */
#define EXPORT_POLL_US (1000 * 1000ULL)
/*
 * So long the reader waits, a page, for an output whose buffer is nearly full
 * and which gets on: what happened while weir-export was away comes faster than
 * any network takes it. One that does not get on is not waited for.
 */
#define EXPORT_HOLD_MS 500
/* An agent that does not answer: the connection is given up. */
#define EXPORT_ANSWER_S 60
/* After an error, first and last; doubled in between. */
#define EXPORT_RETRY_FIRST_MS 250
#define EXPORT_RETRY_LAST_MS  30000
/* Of what is sent and of connecting: given up, and tried again. */
#define EXPORT_SEND_S 10
/* At the end: for what waits to be sent; what is not is sent by the next. */
#define EXPORT_END_MS 3000
/* Data planes that a cursor remembers: the host's, the splices', those before. */
#define EXPORT_PLANES_MAX 6
/* Names of webhooks that one event is marked with. More: left out. */
#define EXPORT_HOOKS_MAX 8
/* Bytes of an output's name, and of other texts of the configuration. */
#define EXPORT_NAME_MAX 64
#define EXPORT_TEXT_MAX 2048
/* Of a secret in a file of its own. Longer: refused. */
#define EXPORT_SECRET_MAX 4096
/* Workloads whose groups are remembered. More: theirs are not told. */
#define EXPORT_WORKLOADS_MAX 20000
/* How often who is here is asked, and at most where somebody is not known. */
#define EXPORT_WHO_S	  15
#define EXPORT_WHO_SOON_S 2
/* A datagram of syslog. Longer: that line is left out, counted (refused). */
#define EXPORT_DATAGRAM_MAX 65000
/* Files of one output that are kept. */
#define EXPORT_KEEP_MAX 1000
/* Between two tellings of the templates by UDP. */
#define EXPORT_TEMPLATES_S 60
/* An answer of a webhook is not read beyond. */
#define EXPORT_ANSWER_BYTES 4096
