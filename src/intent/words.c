#include "intent/words.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *name;
	uint8_t proto;
	bool ports;
} protos[] = {
	{ "any", 0, false },
	{ "tcp", IPPROTO_TCP, true },
	{ "udp", IPPROTO_UDP, true },
	{ "sctp", IPPROTO_SCTP, true },
	{ "icmp", IPPROTO_ICMP, false },
	{ "icmpv6", IPPROTO_ICMPV6, false },
};

/* len decimal digits, at most max. */
static bool number_of(const char *text, size_t len, uint32_t max, uint32_t *ret)
{
	uint32_t v = 0;

	if (len == 0 || len > 9)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = 10 * v + (uint32_t)(text[i] - '0');
	}
	*ret = v;
	return v <= max;
}

static bool ports_of(const char *text, struct port_word *ret)
{
	size_t len = strcspn(text, "-");
	uint32_t first, last;

	if (!number_of(text, len, UINT16_MAX, &first))
		return false;
	last = first;
	if (text[len] && !number_of(text + len + 1, strlen(text + len + 1),
				    UINT16_MAX, &last))
		return false;
	ret->all = false;
	ret->first = (uint16_t)first;
	ret->last = (uint16_t)last;
	return first <= last;
}

/* As Kubernetes names ports: up to 15 of a-z, 0-9, '-', one of them a letter. */
bool port_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < KUBE_PORT_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
	       strspn(name, "0123456789-") < len && name[0] != '-' &&
	       name[len - 1] != '-' && !strstr(name, "--");
}

static bool port_of(const char *text, struct port_word *ret)
{
	if (ports_of(text, ret))
		return true;
	if (!port_name_is_valid(text))
		return false;
	ret->all = false;
	ret->first = ret->last = 0;
	(void)snprintf(ret->name, sizeof ret->name, "%s", text);
	return true;
}

bool port_word_parse(const char *text, struct port_word *ret)
{
	size_t len = strcspn(text, "/");
	uint32_t proto;

	*ret = (struct port_word){ .all = true, .last = UINT16_MAX };
	if (strncmp(text, "ip/", 3) == 0) {
		if (!number_of(text + 3, strlen(text + 3), UINT8_MAX, &proto))
			return false;
		ret->proto = (uint8_t)proto;
		return proto > 0;
	}
	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++) {
		if (strlen(protos[i].name) != len ||
		    strncmp(text, protos[i].name, len) != 0)
			continue;
		ret->proto = protos[i].proto;
		if (text[len] == '\0')
			return true;
		return protos[i].ports && port_of(text + len + 1, ret);
	}
	return false;
}

const char *port_word_format(const struct port_word *p,
			     char buf[static PORT_WORD_MAX])
{
	const char *name = NULL;
	int len;

	for (size_t i = 0; i < sizeof protos / sizeof *protos; i++)
		if (protos[i].proto == p->proto)
			name = protos[i].name;
	if (name)
		len = snprintf(buf, PORT_WORD_MAX, "%s", name);
	else
		len = snprintf(buf, PORT_WORD_MAX, "ip/%u", p->proto);
	if (p->name[0])
		(void)snprintf(buf + len, PORT_WORD_MAX - (size_t)len, "/%s",
			       p->name);
	else if (!p->all && p->first == p->last)
		(void)snprintf(buf + len, PORT_WORD_MAX - (size_t)len, "/%u",
			       p->first);
	else if (!p->all)
		(void)snprintf(buf + len, PORT_WORD_MAX - (size_t)len, "/%u-%u",
			       p->first, p->last);
	return buf;
}

/* Of a form like "####-##-##": '#' is a digit, all else itself. */
static bool has_form(const char *text, const char *form)
{
	size_t n = strlen(form);

	if (strlen(text) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (form[i] == '#' ? text[i] < '0' || text[i] > '9'
				   : text[i] != form[i])
			return false;
	return true;
}

static int digits(const char *text, size_t len)
{
	uint32_t v = 0;

	/* has_form() has looked at them */
	(void)number_of(text, len, UINT32_MAX, &v);
	return (int)v;
}

bool time_word_parse(const char *text, int64_t *ret)
{
	char again[TIME_WORD_MAX];
	bool day = has_form(text, "####-##-##");
	struct tm tm = { 0 };
	int64_t t;

	if (!day && !has_form(text, "####-##-##T##:##:##Z"))
		return false;
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	if (!day) {
		tm.tm_hour = digits(text + 11, 2);
		tm.tm_min = digits(text + 14, 2);
		tm.tm_sec = digits(text + 17, 2);
	}
	t = timegm(&tm);
	/* timegm() takes the 31st of February for a day in March */
	(void)time_word_format(t, again);
	if (t <= 0 || strncmp(again, text, strlen(text) - !day) != 0)
		return false;
	*ret = t;
	return true;
}

const char *time_word_format(int64_t t, char buf[static TIME_WORD_MAX])
{
	time_t when = (time_t)t;
	struct tm tm = { 0 };

	(void)gmtime_r(&when, &tm); /* of a year that was parsed */
	if (strftime(buf, TIME_WORD_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		buf[0] = '\0';
	return buf;
}
