/*
 * A part of base/limits.h, which has no room left: how far applications and
 * requests are looked for.
 */
#pragma once

/*
 * What is kept of one request for policy, all fields together: a path of a
 * common length, and short words. Longer: where rules name requests it is
 * refused, because nobody knows which it is.
 */
#define REQUEST_TEXT_MAX 1024
/*
 * Of a connection, payload of both sides: who is not recognised by then counts
 * as unidentified, and who is is read no further unless somebody wants it.
 */
#define LOOK_PACKETS_DEFAULT 8
#define LOOK_BYTES_DEFAULT   (32u << 10)
/*
 * Of TCP so many times the packets, if all of them together have not as many
 * bytes as two openings, a request's and its answer's: who sends a byte at a
 * time is waited for, for a kilobyte.
 */
#define LOOK_TINY_TIMES 128

/*
 * Connections of one worker about which nDPI is asked at a time, 0.8 KB each.
 * One more: unidentified, counted.
 */
#define BREADTH_FLOWS_DEFAULT 8192
#define BREADTH_FLOWS_MAX     (1u << 20)
/* Of each packet's payload, what nDPI is shown: a full-sized segment. */
#define BREADTH_BYTES_MAX 1440

/*
 * Listening ports of one worker's workloads of which it is known what speaks
 * there. One more takes the place of another, which is told once more.
 */
#define PORTS_KNOWN_MAX 4096
/* Of those, news that wait to be taken. Full: told by a later connection. */
#define PORT_NEWS_MAX 1024
