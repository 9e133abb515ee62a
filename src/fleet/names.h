/*
 * What streams and subjects are called; fleet.h has the list.
 */
#pragma once

#include "base/limits_fleet.h"
#include "fleet/fleet.h"

#define SUBJECT_MAX (3 * FLEET_NAME_MAX + 64)

enum stream {
	STREAM_POLICY,
	STREAM_NODES,
	STREAM_EVENTS,
	STREAM_FLOWS,
	STREAM_STATES,
	STREAM_LEARNED, /* learned.c's; a fleet may do without */
	STREAM__MAX
};

/* All return buf. */
const char *stream_name(const char *fleet, enum stream s,
			char buf[static SUBJECT_MAX]);
/* What a stream takes. */
const char *stream_subjects(const char *fleet, enum stream s,
			    char buf[static SUBJECT_MAX]);
/* Where what a bucket has stored is said again; of all buckets: news_subjects(). */
const char *stream_news(const char *fleet, enum stream s,
			char buf[static SUBJECT_MAX]);
const char *news_subjects(const char *fleet, char buf[static SUBJECT_MAX]);
const char *subject_policy(const char *fleet, char buf[static SUBJECT_MAX]);
const char *subject_key(const char *fleet, enum fleet_key key, const char *node,
			char buf[static SUBJECT_MAX]);
const char *subject_stream(const char *fleet, enum fleet_stream s,
			   const char *node, char buf[static SUBJECT_MAX]);
const char *subject_ask(const char *fleet, const char *node,
			char buf[static SUBJECT_MAX]);
/* Of a subject of STREAM_NODES, STREAM_STATES or STREAM_LEARNED: whose and which; false: it is none. */
bool subject_read_key(const char *fleet, const char *subject,
		      enum fleet_key *ret_key,
		      char ret_node[static FLEET_NAME_MAX]);
/* The same of a subject of that stream: whose. */
bool subject_read_stream(const char *fleet, enum fleet_stream s,
			 const char *subject,
			 char ret_node[static FLEET_NAME_MAX]);
/* Which of the streams that is. */
enum stream stream_of(enum fleet_stream s);
