/*
 * Frames of our own: what Weir answers with when it rejects.
 *
 * Each builds a whole frame into `out` (INJECT_FRAME_MAX bytes are enough) with
 * all checksums filled, the tags of the frame that caused it, TTL 64. Nothing
 * is allocated. p is PACKET_OK. false (and an unusable out) when the packet
 * must not be answered, or out is too small:
 *   - what goes to or comes from a group of hosts, or from nobody;
 *   - what was in a tunnel (packet/tunnel.h);
 *   - a RST, and a fragment of a segment (how long that is, is not known),
 *     gets neither RST nor farewell;
 *   - an ICMP error, a redirect and a later fragment get no ICMP error
 *     (RFC 1122 3.2.2, RFC 4443 2.4).
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "packet/packet.h"

/*
 * A RST as the other end would have sent it in answer to p (RFC 9293 3.10.7.1:
 * seq = SEG.ACK, or seq 0 with ACK = SEG.SEQ + SEG.LEN). MACs are swapped.
 */
bool build_rst_back(struct outbytes *out, const struct packet *p);

/*
 * A RST as p's sender itself would have sent it in place of p: same MACs,
 * addresses, ports and seq, its ACK if it has one, no payload. For the far end
 * of a flow.
 */
bool build_rst_forward(struct outbytes *out, const struct packet *p);

/*
 * The other end's last words in answer to p: text, and a FIN; all that p says
 * is acknowledged. At most INJECT_TEXT_MAX bytes. Not to a SYN.
 */
bool build_farewell_back(struct outbytes *out, const struct packet *p,
			 struct bytes text);

/*
 * ICMP destination unreachable / administratively prohibited (v4 type 3 code
 * 13, RFC 1812 5.2.7.1; v6 type 1 code 1, RFC 4443 3.1) from p's destination
 * to its source, quoting as much of p's captured bytes as INJECT_FRAME_MAX
 * leaves room for. MACs are swapped.
 */
bool build_prohibited_back(struct outbytes *out, const struct packet *p);
