/*
 *   <PRI>1 TIME HOST weir PID MSGID [origin ...][meta ...][weir@32473 ...] MSG
 *
 * 32473 is the number that RFC 5612 gives to examples: Weir has none of its own.
 * MSG has no byte order mark: what reads EVE wants JSON and nothing before it.
 */
#include "export/syslog.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wire/words.h"

#define HOST_MAX 255

/* RFC 5424, 6.2.1. */
static unsigned severity_of(const struct item *i)
{
	switch (i->severity) {
	case 5: return 2; /* critical */
	case 4: return 3; /* error */
	case 3: return 4; /* warning */
	case 2: return 5; /* notice */
	default: return 6;
	}
}

/* RFC 3339 with microseconds, in UTC. */
static void add_time(struct text *to, uint64_t unix_us)
{
	time_t s = (time_t)(unix_us / 1000000);
	char buf[32] = "-";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		(void)strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%S", &tm);
	text_addf(to, "%s.%06uZ", buf, (unsigned)(unix_us % 1000000));
}

/* PRINTUSASCII; what is none of it is '_'. */
static void add_host(struct text *to, const char *host)
{
	char buf[HOST_MAX + 1];
	size_t n = 0;

	for (; host[n] && n < HOST_MAX; n++)
		buf[n] = host[n] > ' ' && host[n] < 0x7f ? host[n] : '_';
	buf[n] = '\0';
	text_add_word(to, n ? buf : "-");
}

/* 6.3.3: these three are behind a backslash. */
static void add_param(struct text *to, const char *name, const char *value)
{
	text_addf(to, " %s=\"", name);
	for (const char *c = value; *c; c++) {
		if (strchr("\"\\]", *c))
			text_add(to, "\\", 1);
		text_add(to, (unsigned char)*c < ' ' ? "." : c, 1);
	}
	text_add(to, "\"", 1);
}

/* One line: no control characters, where the EVE has none anyway. */
static void add_line(struct text *to, const char *line)
{
	for (const char *c = line; *c; c++)
		text_add(to, (unsigned char)*c < ' ' ? " " : c, 1);
}

void syslog_message(struct text *to, const struct syslog_from *from,
		    const struct item *i, uint32_t sequence)
{
	text_addf(to, "<%u>1 ", from->facility * 8U + severity_of(i));
	add_time(to, i->at_us);
	text_add(to, " ", 1);
	add_host(to, from->host);
	text_addf(to, " weir %u %s ", from->pid, item_eve_name(i->kind));
	text_add_word(to, "[origin software=\"weir-export\" "
			  "swVersion=\"" WEIR_VERSION "\"]");
	text_addf(to, "[meta sequenceId=\"%u\"]", sequence);
	text_add_word(to, "[weir@32473");
	add_param(to, "kind", item_kind_name(i->kind));
	if (i->severity)
		add_param(to, "severity", severity_name(i->severity));
	if (i->workload[0])
		add_param(to, "workload", i->workload);
	if (i->rule[0])
		add_param(to, "rule", i->rule);
	text_add_word(to, "] ");
	if (from->as_text)
		add_line(to, i->text);
	else
		text_add(to, i->json, i->json_len);
}

void syslog_frame(struct text *to, const struct syslog_from *from,
		  const struct item *i, uint32_t sequence)
{
	struct text message = { 0 };

	syslog_message(&message, from, i, sequence);
	if (message.failed) {
		to->failed = true;
	} else {
		text_addf(to, "%zu ", message.len);
		text_add(to, message.at, message.len);
	}
	text_done(&message);
}
