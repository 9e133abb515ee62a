/*
 * Limits of sensors; part of base/limits.h, which is what to include.
 */
#pragma once

/* Sensors of one list; one more is refused: E2BIG. */
#define SENSORS_MAX 4096
/* Patterns of one sensor, kinds of secrets of one pattern. Refused. */
#define SENSOR_PATTERNS_MAX 16
#define SENSOR_SECRETS_MAX  16
/* Kinds that are mostly digits (detect/secret_seek.h); there are ten. */
#define SECRETS_SOUGHT_MAX 16
/* Bytes of a sensor's name, and of an expression. Longer: refused. */
#define SENSOR_NAME_MAX	 521
#define SENSOR_REGEX_MAX 2048
/* Different matches that a pattern may ask for. More: refused. */
#define SENSOR_COUNT_MAX 16
/*
 * Bytes that are looked at again with the next piece, so that what is over a
 * border is found: at least so many (a card number with each digit in JSON or
 * HTML is 114), as many as the longest match needs that is bounded, and as far
 * back as codes within codes, or a long token that may be one, begin; at most so
 * many. Longer ones are found within a piece only.
 */
#define SENSOR_WINDOW_MIN 256
#define SENSOR_WINDOW_MAX 2048
/* Bytes that are looked at at a time. More: one after another. */
#define SENSOR_PIECE_MAX 16384
/* What is written within what is written: base64 in percent. Deeper: unseen. */
#define SENSOR_DEPTH 2
/* Base64 digits in a row that are decoded: "123-45-6789" is 15. */
#define SENSOR_BASE64_MIN 15
/*
 * Steps of one expression in PCRE2's count, some ms, and its stack. Met: the rest
 * of the piece is not looked at, pcre_limit.
 */
#define SENSOR_PCRE_STEPS 200000
#define SENSOR_PCRE_STACK (256u << 10)
/* Matches of one expression in one piece. More are not counted: match_limit. */
#define SENSOR_MATCHES_MAX 256
/* Conversations of one worker, some 500 bytes each. One more: no_conversation. */
#define SENSOR_CONVERSATIONS_DEFAULT STREAMS_DEFAULT
#define SENSOR_CONVERSATIONS_MAX     STREAMS_MAX
/* Windows of one worker. All in use: pieces are looked at alone, no_window. */
#define SENSOR_WINDOWS_DEFAULT 4096
#define SENSOR_WINDOWS_MAX     (1u << 20)
/* Fields in pieces of one side at a time: header, body, SQL. no_window */
#define SENSOR_BUFS 4
/*
 * Patterns found in requests that are not over, some 250 bytes each, of one
 * worker and of one request. One more: what needs no other pattern is told, and
 * maybe again; the rest is forgotten: no_progress.
 */
#define SENSOR_PROGRESS_DEFAULT 8192
#define SENSOR_PROGRESS_MAX	(1u << 20)
#define SENSOR_PROGRESS_REQUEST 64
/* Raw bytes of a side that are looked at, as set. The rest: beyond_depth. */
#define SENSOR_DEPTH_BYTES_DEFAULT (16u << 20)
/* What a listener is handed around a match, on each side of it. Cut. */
#define SENSOR_RAW_BYTES 128
/* What is shown around a match; of a match; of a request line. Cut. */
#define SENSOR_AROUND_BYTES 32
#define SENSOR_SHOWN_BYTES  64
#define SENSOR_LINE_BYTES   200
/* Of a request line: the method, the host. Cut. */
#define SENSOR_METHOD_BYTES 16
#define SENSOR_HOST_BYTES   64
#define SENSOR_PATH_BYTES   112
