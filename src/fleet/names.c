#include "fleet/names.h"

#include <stdio.h>
#include <string.h>

/* Bucket and key, behind the fleet's name. */
static const char *const keys[FLEET_KEY__MAX] = {
	"nodes.inventory", "states.state", "learned.learned", "learned.rejected"
};
static const char *const streams[FLEET_STREAM__MAX] = { "events", "flows" };

bool fleet_name_is_valid(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < FLEET_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

const char *stream_name(const char *fleet, enum stream s,
			char buf[static SUBJECT_MAX])
{
	static const char *const forms[STREAM__MAX] = {
		"KV_%s-policy", "KV_%s-nodes",	"%s-events",
		"%s-flows",	"KV_%s-states", "KV_%s-learned"
	};

	(void)snprintf(buf, SUBJECT_MAX, forms[s], fleet);
	return buf;
}

const char *stream_subjects(const char *fleet, enum stream s,
			    char buf[static SUBJECT_MAX])
{
	static const char *const forms[STREAM__MAX] = {
		"$KV.%s-policy.>", "$KV.%s-nodes.>",  "%s.events.*",
		"%s.flows.*",	   "$KV.%s-states.>", "$KV.%s-learned.>"
	};

	(void)snprintf(buf, SUBJECT_MAX, forms[s], fleet);
	return buf;
}

const char *stream_news(const char *fleet, enum stream s,
			char buf[static SUBJECT_MAX])
{
	(void)snprintf(buf, SUBJECT_MAX, "%s.news.%s.>", fleet,
		       s == STREAM_POLICY ? "policy" : "nodes");
	return buf;
}

const char *news_subjects(const char *fleet, char buf[static SUBJECT_MAX])
{
	(void)snprintf(buf, SUBJECT_MAX, "%s.news.>", fleet);
	return buf;
}

const char *subject_policy(const char *fleet, char buf[static SUBJECT_MAX])
{
	(void)snprintf(buf, SUBJECT_MAX, "$KV.%s-policy.intent", fleet);
	return buf;
}

const char *subject_key(const char *fleet, enum fleet_key key, const char *node,
			char buf[static SUBJECT_MAX])
{
	(void)snprintf(buf, SUBJECT_MAX, "$KV.%s-%s.%s", fleet, keys[key],
		       node);
	return buf;
}

const char *subject_stream(const char *fleet, enum fleet_stream s,
			   const char *node, char buf[static SUBJECT_MAX])
{
	(void)snprintf(buf, SUBJECT_MAX, "%s.%s.%s", fleet, streams[s], node);
	return buf;
}

const char *subject_ask(const char *fleet, const char *node,
			char buf[static SUBJECT_MAX])
{
	(void)snprintf(buf, SUBJECT_MAX, "%s.ask.%s", fleet, node);
	return buf;
}

bool subject_read_key(const char *fleet, const char *subject,
		      enum fleet_key *ret_key,
		      char ret_node[static FLEET_NAME_MAX])
{
	char before[SUBJECT_MAX];

	for (int k = 0; k < FLEET_KEY__MAX; k++) {
		size_t n = strlen(
			subject_key(fleet, (enum fleet_key)k, "", before));

		if (strncmp(subject, before, n) != 0 ||
		    !fleet_name_is_valid(subject + n))
			continue;
		(void)snprintf(ret_node, FLEET_NAME_MAX, "%s", subject + n);
		*ret_key = (enum fleet_key)k;
		return true;
	}
	return false;
}

bool subject_read_stream(const char *fleet, enum fleet_stream s,
			 const char *subject,
			 char ret_node[static FLEET_NAME_MAX])
{
	char before[SUBJECT_MAX];
	size_t n = strlen(subject_stream(fleet, s, "", before));

	if (strncmp(subject, before, n) != 0 ||
	    !fleet_name_is_valid(subject + n))
		return false;
	(void)snprintf(ret_node, FLEET_NAME_MAX, "%s", subject + n);
	return true;
}

enum stream stream_of(enum fleet_stream s)
{
	return s == FLEET_EVENTS ? STREAM_EVENTS : STREAM_FLOWS;
}
