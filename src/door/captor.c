#include "door/captor.h"

#include <errno.h>
#include <jansson.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "door/dpclient.h"
#include "wire/reason.h"

struct captor {
	struct dpclient dp;
	struct capture_reader *reader;
	struct mac mac, ucmac, bcmac;
	uint64_t zero_us; /* of the data plane's clock, since 1970 */
	struct bpf_program program;
	bool filtered;
	uint64_t received, accepted, until;
	uint8_t copy[FRAME_MAX];
};

/* --- the filter -------------------------------------------------------------- */

static int compile_filter(const char *filter, struct bpf_program *ret,
			  struct err *reterr)
{
	pcap_t *p = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
	int rc = 0;

	if (!p)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	if (pcap_compile(p, ret, filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		rc = err_set(reterr, EINVAL, "FILTER", "%s", pcap_geterr(p));
	pcap_close(p);
	return rc;
}

int captor_check(const char *filter, struct err *reterr)
{
	struct bpf_program program;
	int rc = 0;

	if (filter[0])
		rc = compile_filter(filter, &program, reterr);
	if (filter[0] && rc == 0)
		pcap_freecode(&program);
	return rc;
}

static bool is_wanted(const struct captor *c, struct bytes bytes,
		      uint32_t wire_len)
{
	struct pcap_pkthdr h = { .caplen = (uint32_t)bytes_len(bytes),
				 .len = wire_len };

	return !c->filtered ||
	       pcap_offline_filter(&c->program, &h, bytes.begin) > 0;
}

/* --- beginning ------------------------------------------------------------- */

static void mac_member(const json_t *answer, const char *name, struct mac *ret)
{
	const char *text = json_string_value(json_object_get(answer, name));

	/* "" is none */
	if (text && text[0] && mac_parse(text, ret) < 0)
		*ret = (struct mac){ { 0 } };
}

/* Asks for the ring and opens it. */
static int begin(struct captor *c, const struct captor_spec *spec,
		 struct err *reterr)
{
	char text[MAC_TEXT_MAX];
	json_t *message, *answer = NULL;
	int rc = dpclient_open(spec->door, &c->dp, reterr), fd = -1;

	if (rc < 0)
		return rc;
	message = json_pack("{s:{s:s,s:I}}", "weir_capture", "workload",
			    mac_format(spec->mac, text), "snaplen",
			    (json_int_t)spec->snaplen);
	if (!message)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = dpclient_ask_fd(&c->dp, message, &answer, &fd, reterr);
	json_decref(message);
	if (rc < 0)
		return rc;
	c->mac = spec->mac;
	mac_member(answer, "ucmac", &c->ucmac);
	mac_member(answer, "bcmac", &c->bcmac);
	c->zero_us = (uint64_t)json_integer_value(
		json_object_get(answer, "unix_us_at_zero"));
	json_decref(answer);
	c->reader = capture_reader_new(fd, reterr);
	if (fd >= 0)
		close(fd);
	return c->reader ? 0 : -reterr->code;
}

struct captor *captor_open(const struct captor_spec *spec, struct err *reterr)
{
	struct captor *c = calloc(1, sizeof *c);
	int rc = 0;

	if (!c) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	c->dp.fd = -1;
	if (spec->filter[0]) {
		rc = compile_filter(spec->filter, &c->program, reterr);
		c->filtered = rc == 0;
	}
	if (rc == 0)
		rc = begin(c, spec, reterr);
	if (rc == 0)
		return c;
	captor_free(c);
	return NULL;
}

void captor_free(struct captor *c)
{
	if (!c)
		return;
	capture_reader_free(c->reader);
	dpclient_done(&c->dp);
	if (c->filtered)
		pcap_freecode(&c->program);
	free(c);
}

/* --- frames ---------------------------------------------------------------- */

/* As it is at the workload's own port. */
static void put_back(const struct captor *c, uint8_t *mac)
{
	static const struct mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff,
						0xff } };
	struct mac m, plain;

	memcpy(m.b, mac, sizeof m.b);
	plain = m;
	plain.b[3]--; /* a copy's mark (base/spread.h) is one more there */
	if (!mac_is_zero(c->ucmac) &&
	    (mac_equal(m, c->ucmac) || mac_equal(plain, c->ucmac)))
		memcpy(mac, c->mac.b, sizeof m.b);
	else if (!mac_is_zero(c->bcmac) &&
		 (mac_equal(m, c->bcmac) || mac_equal(plain, c->bcmac)))
		memcpy(mac, broadcast.b, sizeof m.b);
}

int captor_fd(const struct captor *c)
{
	return c->dp.fd;
}

bool captor_is_over(const struct captor *c)
{
	return capture_reader_end(c->reader) == CAPTURE_WORKLOAD_GONE;
}

void captor_round(struct captor *c)
{
	c->until = capture_reader_counts(c->reader).frames;
}

bool captor_next(struct captor *c, struct capture_frame *f, uint64_t *ret_at_us,
		 struct bytes *ret_bytes, bool *ret_broken)
{
	struct bytes bytes;

	while (c->received < c->until &&
	       capture_next(c->reader, f, &bytes, ret_broken)) {
		size_t len = bytes_len(bytes);

		memcpy(c->copy, bytes.begin, len);
		if (len >= 2 * sizeof(struct mac)) {
			put_back(c, c->copy);
			put_back(c, c->copy + sizeof(struct mac));
		}
		c->received++;
		if (!is_wanted(c, bytes_of(c->copy, len), f->wire_len))
			continue;
		c->accepted++;
		*ret_bytes = bytes_of(c->copy, len);
		*ret_at_us = f->at_us + c->zero_us;
		return true;
	}
	return false;
}

void captor_count(const struct captor *c, struct pcapng_sums *ret)
{
	ret->received = c->received;
	ret->accepted = c->accepted;
	ret->dropped = capture_reader_counts(c->reader).lost;
}

const char *captor_comment(char buf[static CAPTOR_COMMENT_MAX],
			   const struct capture_frame *f)
{
	(void)snprintf(
		buf, CAPTOR_COMMENT_MAX, "flow=%u verdict=%s reason=%s rule=%u",
		f->flow_id, capture_outcome_name(f->outcome),
		f->reason < REASON__MAX ? reason_name((enum reason)f->reason)
					: "?",
		f->rule_id);
	return buf;
}
