/*
 * A capture file as a ring: one frame a batch, because libpcap lends a frame
 * only until the next. What is kept goes nowhere; a replay has no wire.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "ring/ops.h"
#include "ring/ring.h"

struct capture_ring {
	struct ring ring;
	pcap_t *pcap; /* owns the file */
	struct ring_frame frame;
	struct ring_counts counts;
};

static struct capture_ring *of(struct ring *r)
{
	return (struct capture_ring *)r;
}

static int capture_recv(struct ring *r)
{
	struct capture_ring *c = of(r);
	struct pcap_pkthdr *h;
	const u_char *bytes;
	int rc = pcap_next_ex(c->pcap, &h, &bytes);

	if (rc == PCAP_ERROR_BREAK)
		return 0;
	if (rc < 0)
		return -EIO;
	c->frame = (struct ring_frame){
		.bytes = bytes_of(bytes, h->caplen),
		.wire_len = h->len < h->caplen ? h->caplen : h->len,
		.time = { (uint64_t)h->ts.tv_sec * USEC_PER_SEC +
			  (uint64_t)h->ts.tv_usec },
		.csum = { .state = FRAME_CSUM_CAPTURED },
	};
	c->counts.received++;
	return 1;
}

static struct ring_frame capture_frame(const struct ring *r, unsigned i)
{
	(void)i; /* there is one */
	return ((const struct capture_ring *)r)->frame;
}

static void capture_keep(struct ring *r, unsigned i)
{
	(void)i;
	of(r)->counts.sent++;
}

static void capture_flush(struct ring *r, struct ring *out)
{
	(void)r; /* nothing waits */
}

static bool capture_send(struct ring *r, struct bytes frame)
{
	(void)frame;
	of(r)->counts.sent++;
	return true;
}

static int capture_fd(const struct ring *r)
{
	(void)r;
	return -1;
}

static struct ring_counts capture_counts(struct ring *r)
{
	return of(r)->counts;
}

static void capture_free(struct ring *r)
{
	pcap_close(of(r)->pcap);
	free(r);
}

static const struct ring_ops capture_ops = {
	.recv = capture_recv,
	.frame = capture_frame,
	.keep = capture_keep,
	.flush = capture_flush,
	.send = capture_send,
	.fd = capture_fd,
	.counts = capture_counts,
	.free = capture_free,
};

struct ring *ring_capture_new(FILE *file, struct err *reterr)
{
	char text[PCAP_ERRBUF_SIZE];
	struct capture_ring *c;
	pcap_t *pcap = pcap_fopen_offline(file, text);
	int link;

	if (!pcap) {
		/* libpcap leaves the file to us when it fails */
		fclose(file);
		(void)err_set(reterr, EINVAL, NULL, "not a capture: %s", text);
		return NULL;
	}
	link = pcap_datalink(pcap);
	if (link != DLT_EN10MB) {
		(void)err_set(reterr, EINVAL, NULL,
			      "link type %s, only Ethernet is understood",
			      pcap_datalink_val_to_description_or_dlt(link));
		goto err_close;
	}
	c = calloc(1, sizeof *c);
	if (!c) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		goto err_close;
	}
	c->ring.ops = &capture_ops;
	c->pcap = pcap;
	return &c->ring;
err_close:
	pcap_close(pcap);
	return NULL;
}
