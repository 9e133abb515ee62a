#include "cli/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const prefixes[] = { "", "k", "M", "G", "T", "P", "E" };
#define PREFIXES (sizeof prefixes / sizeof *prefixes)

/* One decimal below `whole_from`; none for what is not scaled. */
static const char *scaled(double v, double whole_from, const char *unit,
			  char buf[static HUMAN_MAX])
{
	unsigned p = 0;
	double limit = 999.5;

	while (v >= limit && p + 1 < PREFIXES) {
		v /= 1000;
		p++;
	}
	(void)snprintf(buf, HUMAN_MAX, "%.*f%s%s%s", p > 0 && v < whole_from, v,
		       unit[0] ? " " : "", prefixes[p], unit);
	return buf;
}

const char *human_count(uint64_t n, char buf[static HUMAN_MAX])
{
	return scaled((double)n, 9.95, "", buf);
}

const char *human_bytes(uint64_t n, char buf[static HUMAN_MAX])
{
	return scaled((double)n, 9.95, "B", buf);
}

const char *human_rate(double bits_per_s, char buf[static HUMAN_MAX])
{
	return scaled(bits_per_s, 99.95, "bit/s", buf);
}

const char *human_age(uint64_t seconds, char buf[static HUMAN_MAX])
{
	static const struct {
		uint64_t s;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	unsigned i = 0;

	/* two of a unit before it is used: "90m" says more than "1h" */
	while (units[i].s > 1 && seconds < 2 * units[i].s)
		i++;
	(void)snprintf(buf, HUMAN_MAX, "%" PRIu64 "%c", seconds / units[i].s,
		       units[i].unit);
	return buf;
}

const char *human_exact(int64_t n, char buf[static HUMAN_MAX])
{
	char digits[24];
	int len, out = 0;

	len = snprintf(digits, sizeof digits, "%" PRId64, n);
	for (int i = 0; i < len; i++) {
		if (i > (digits[0] == '-') && (len - i) % 3 == 0)
			buf[out++] = ',';
		buf[out++] = digits[i];
	}
	buf[out] = '\0';
	return buf;
}

const char *human_raw(const char *hex, size_t at,
		      char buf[static HUMAN_RAW_MAX])
{
	size_t n = strlen(hex) / 2, len;
	char text[HUMAN_RAW_BYTES + 1] = "";

	if (at >= n)
		return NULL;
	len = (size_t)snprintf(buf, HUMAN_RAW_MAX, "%04zx ", at);
	for (size_t i = 0; i < HUMAN_RAW_BYTES; i++) {
		char pair[3] = "  ";
		unsigned long c;

		if (at + i < n) {
			memcpy(pair, hex + 2 * (at + i), 2);
			c = strtoul(pair, NULL, 16);
			text[i] = c >= ' ' && c <= '~' ? (char)c : '.';
		}
		len += (size_t)snprintf(buf + len, HUMAN_RAW_MAX - len, " %s",
					pair);
	}
	(void)snprintf(buf + len, HUMAN_RAW_MAX - len, "  %s", text);
	return buf;
}
