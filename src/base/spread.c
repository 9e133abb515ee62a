#include "base/spread.h"

#include <string.h>

static bool is_mark(const struct mac *m)
{
	static const uint8_t unicast[] = { 0x4e, 0x65, 0x75 };
	static const uint8_t broadcast[] = { 0xff, 0xff, 0xff };

	if (memcmp(m->b, unicast, 3) == 0)
		return m->b[3] == 0x56 || m->b[3] == 0x57;
	return memcmp(m->b, broadcast, 3) == 0 && m->b[3] <= 1;
}

unsigned spread_worker_of(struct mac mark, unsigned n)
{
	return is_mark(&mark) ? (unsigned)(mark.b[4] << 8 | mark.b[5]) % n : 0;
}

unsigned spread_workload(struct mac mac, struct mac ucmac, unsigned n)
{
	if (mac_is_zero(ucmac))
		return (unsigned)(mac.b[4] << 8 | mac.b[5]) % n;
	return spread_worker_of(ucmac, n);
}

/* From the Ethernet header on, wherever the packet begins. */
#define ETH(at) ((uint32_t)SKF_LL_OFF + (at))
#define DST	0
#define SRC	6

static struct sock_filter program[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ETH(SRC)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x4e657556, 7, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x4e657557, 6, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ETH(DST)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x4e657556, 6, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x4e657557, 5, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffff00, 4, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffff01, 3, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	/* 9: the source's */
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETH(SRC + 4)),
	BPF_STMT(BPF_RET | BPF_A, 0),
	/* 11: the destination's */
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETH(DST + 4)),
	BPF_STMT(BPF_RET | BPF_A, 0),
};

const struct sock_fprog spread_program = { sizeof program / sizeof *program,
					   program };
