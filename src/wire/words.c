#include "wire/words.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wire/records.h"

static const char *const action_names[] = {
	"open",	     "learn",	  "allow",   "check_vhost",
	"check_nbe", "check_app", "violate", "deny",
};
_Static_assert(sizeof action_names / sizeof *action_names == POLICY_ACTION__MAX,
	       "one name each");

static const char *const ip_type_names[] = {
	"", "tunnelip", "svcip", "hostip", "devip", "uwlip", "extip",
};
_Static_assert(sizeof ip_type_names / sizeof *ip_type_names == IP_TYPE__MAX,
	       "one name each");

const char *policy_action_name(uint8_t action)
{
	return action < POLICY_ACTION__MAX ? action_names[action] : "?";
}

uint8_t policy_action_by_name(const char *name)
{
	uint8_t i = 0;

	while (i < POLICY_ACTION__MAX && strcmp(name, action_names[i]) != 0)
		i++;
	return i;
}

static const struct {
	const char *name;
	uint8_t number; /* IANA's */
} protos[] = {
	{ "any", 0 },  { "icmp", 1 },	 { "tcp", 6 },
	{ "udp", 17 }, { "icmpv6", 58 }, { "sctp", 132 },
};

const char *proto_name(uint8_t proto, char buf[static PROTO_TEXT_MAX])
{
	for (size_t i = 1; i < sizeof protos / sizeof *protos; i++)
		if (protos[i].number == proto)
			return protos[i].name;
	(void)snprintf(buf, PROTO_TEXT_MAX, "%u", proto);
	return buf;
}

int proto_by_text(const char *text, uint8_t *ret)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++)
		if (strcasecmp(text, protos[i].name) == 0) {
			*ret = protos[i].number;
			return 0;
		}
	if (!text[0] || strlen(text) > 3)
		return -EINVAL;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		n = 10 * n + (unsigned)(*p - '0');
	}
	if (n > UINT8_MAX)
		return -EINVAL;
	*ret = (uint8_t)n;
	return 0;
}

const char *severity_name(uint8_t severity)
{
	static const char *const names[] = {
		"", "info", "low", "medium", "high", "critical",
	};

	return severity < sizeof names / sizeof *names ? names[severity] : "";
}

const char *dpi_action_name(uint8_t action)
{
	static const char *const names[] = {
		"none", "allow", "drop", "reset", "bypass", "block",
	};
	_Static_assert(sizeof names / sizeof *names == DPI_ACTION__MAX,
		       "one name each");

	return action < DPI_ACTION__MAX ? names[action] : "?";
}

const char *finding_kind_name(uint8_t kind)
{
	static const char *const names[] = { "signature", "dlp", "waf" };
	_Static_assert(sizeof names / sizeof *names == FINDING_KIND__MAX,
		       "one name each");

	return kind < FINDING_KIND__MAX ? names[kind] : "?";
}

enum ip_type ip_type_by_name(const char *name)
{
	for (int i = IP_TYPE_NONE + 1; i < IP_TYPE__MAX; i++)
		if (strcmp(name, ip_type_names[i]) == 0)
			return (enum ip_type)i;
	return IP_TYPE_NONE;
}

const char *ip_type_name(enum ip_type t)
{
	return ip_type_names[t];
}
