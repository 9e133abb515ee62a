/*
 * Limits of the trail (wire/trail.h): what is told of each conversation for who
 * writes it down elsewhere; each with its reason and with what happens when it is
 * met.
 */
#pragma once

/*
 * Texts of one record, each with three bytes ahead: a URL of a common length, a
 * name, a user agent. What has no room is cut, and the record says so.
 */
#define TRAIL_TEXT_MAX 768
/* Of one text, so that a long one leaves room for the others. Cut. */
#define TRAIL_VALUE_MAX 400
/* Values of a field that comes several times (names of a certificate). Cut. */
#define TRAIL_VALUES_MAX 8
/*
 * Of a worker, 1 KB each, touched only when used: what waits for the control
 * thread, which takes it at least twice a second (full: the new one is lost,
 * counted); and requests whose answer has not come (full: not told, counted).
 */
#define TRAIL_RECORDS_MAX 8192
#define TRAIL_OPEN_MAX	  4096
/* Copied by a worker between two batches. */
#define TRAIL_PER_QUESTION 16
/*
 * Kept by the control thread for each worker: what 1,500 conversations a second
 * make while the agent is started anew. Full: the oldest gives way, counted.
 */
#define TOLD_TRAIL_MAX 8192
/* In one answer of the own door, so that the longest fit; and at most. */
#define TRAIL_PER_ANSWER   20
#define TRAIL_PER_PAGE_MAX 1024
/*
 * Kept by the agent, as text. Full: the oldest gives way; who had not read it is
 * told how many there were.
 */
#define TRAIL_KEPT_BYTES (8u << 20)
#define TRAIL_KEPT_MAX	 32768
/* In one page of the agent's `trail`. */
#define TRAIL_PAGE_MAX 1000
