#include "net/splice_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void splice_marks(uint16_t mark, struct mac *ret_uc, struct mac *ret_bc)
{
	uint8_t hi = (uint8_t)(mark >> 8), lo = (uint8_t)mark;

	*ret_uc = (struct mac){ { DIVERT_MARK_PREFIX >> 24,
				  DIVERT_MARK_PREFIX >> 16 & 0xff,
				  DIVERT_MARK_PREFIX >> 8 & 0xff,
				  DIVERT_MARK_PREFIX & 0xff, hi, lo } };
	*ret_bc = (struct mac){ { 0xff, 0xff, 0xff, 0x00, hi, lo } };
}

void splice_vin_name(const char *vex, char ret[static IFNAMSIZ])
{
	/* the suffix of a name that fits, fits */
	(void)snprintf(ret, IFNAMSIZ, "%s%.12s", SPLICE_VIN,
		       vex + strlen(SPLICE_VEX));
}

void splice_record_format(const struct splice_stat *s,
			  char ret[static LINK_ALIAS_MAX])
{
	char mac[MAC_TEXT_MAX];

	/* all but the path has a bounded length; that one may be cut */
	(void)snprintf(ret, LINK_ALIAS_MAX,
		       "weir-splice 1 %s %02x%02x %s %llu %u %s %.95s",
		       redirector_name(s->redirector), s->ucmac.b[4],
		       s->ucmac.b[5], mac_format(s->mac, mac),
		       (unsigned long long)s->workload_ino, s->dev_ifindex,
		       s->dev, s->workload);
}

/* The next word of *text, cut off there; NULL at the end. */
static char *word(char **text)
{
	return strsep(text, " ");
}

static bool number(const char *text, int base, uint64_t max, uint64_t *ret)
{
	char *end;
	uint64_t n;

	if (!text || !text[0] || text[0] == '-' || text[0] == '+')
		return false;
	n = strtoull(text, &end, base);
	if (*end || n > max)
		return false;
	*ret = n;
	return true;
}

bool splice_record_parse(const char *alias, struct splice_stat *ret)
{
	struct splice_stat s = { 0 };
	char copy[LINK_ALIAS_MAX], *rest = copy, *redirector, *dev, *mac;
	uint64_t mark, ifindex, version;
	const char *tag;

	(void)snprintf(copy, sizeof copy, "%s", alias);
	tag = word(&rest);
	if (!tag || strcmp(tag, "weir-splice") != 0 ||
	    !number(word(&rest), 10, 1, &version))
		return false;
	redirector = word(&rest);
	if (!redirector ||
	    redirector_parse(redirector, &s.redirector, NULL) < 0 ||
	    !number(word(&rest), 16, UINT16_MAX, &mark))
		return false;
	mac = word(&rest);
	if (!mac || mac_parse(mac, &s.mac) < 0 ||
	    !number(word(&rest), 10, UINT64_MAX, &s.workload_ino) ||
	    !number(word(&rest), 10, INT32_MAX, &ifindex))
		return false;
	dev = word(&rest);
	if (!dev || !dev[0] || strlen(dev) >= IFNAMSIZ || !rest)
		return false;
	(void)snprintf(s.dev, sizeof s.dev, "%s", dev);
	/* a path that was cut is still told, and found by its inode */
	(void)snprintf(s.workload, sizeof s.workload, "%s", rest);
	s.dev_ifindex = (uint32_t)ifindex;
	splice_marks((uint16_t)mark, &s.ucmac, &s.bcmac);
	*ret = s;
	return true;
}
