/*
 * Why a frame was not forwarded, or was forwarded without being judged: the
 * one list that feeds counters, JSON, the table in docs/REASONS.md and the
 * web UI. A frame gets exactly one reason. Names are stable; never renumber,
 * add at the end.
 *
 * X(NAME, "name", kind, "what it means")
 *   kind: D dropped, P passed without judging, V judged (by rule or default),
 *         H held: its fate comes later, with a reason of its own
 */
#pragma once

#define REASONS(X)                                                             \
	X(NONE, "none", V, "not decided; never seen outside")                  \
	X(RULE, "rule", V, "a rule matched")                                   \
	X(DEFAULT, "default", V, "no rule matched: the default action")        \
	X(NO_POLICY, "no_policy", V, "the workload has no policy: open")       \
	X(INTERNAL, "internal", V,                                             \
	  "internal traffic, whose direction the policy does not enforce")     \
	X(LINK_LOCAL, "link_local", V, "link-local address: always open")      \
	X(UNMANAGED, "unmanaged", V,                                           \
	  "the peer is an unmanaged workload and these are not checked")       \
	X(GRACE, "grace", V,                                                   \
	  "the peer's policy has not arrived yet: open for a while")           \
	X(FAMILY_OPEN, "family_open", V,                                       \
	  "the policy does not speak of IPv6: open")                           \
	X(ICMP_OPEN, "icmp_open", V,                                           \
	  "ICMP is not enforced (ctrl_enable_icmp_policy): open")              \
	X(NEIGHBOUR, "neighbour", P, "IPv6 neighbour discovery, RFC 4890 4.4") \
	X(NOT_IP, "not_ip", P, "neither IPv4 nor IPv6 (ARP and others)")       \
	X(MULTICAST, "multicast", P, "multicast or broadcast destination")     \
	X(ICMP_RELATED, "icmp_related", P,                                     \
	  "ICMP error about a flow that is allowed")                           \
	X(NO_ENDPOINT, "no_endpoint", D, "no workload has this mark or MAC")   \
	X(TAP, "tap", D, "the workload is tapped: frames are only watched")    \
	X(FRAME_SHORT, "frame_short", D, "shorter than its headers say")       \
	X(FRAME_TOO_LONG, "frame_too_long", D,                                 \
	  "longer than a frame may be (see FRAME_MAX)")                        \
	X(VLAN_DEPTH, "vlan_depth", D, "more VLAN tags than are seen through") \
	X(IP_MALFORMED, "ip_malformed", D,                                     \
	  "IP header: version, length or address is impossible")               \
	X(IP_EXT_MALFORMED, "ip_ext_malformed", D,                             \
	  "IPv6 extension headers: too many, cut short or out of place")       \
	X(L4_MALFORMED, "l4_malformed", D,                                     \
	  "TCP, UDP, ICMP or SCTP header is cut short or impossible")          \
	X(TCP_FLAGS, "tcp_flags", D, "TCP flags that no TCP sends")            \
	X(FRAG_TINY, "frag_tiny", D,                                           \
	  "first fragment without a whole L4 header, or one over it "          \
	  "(RFC 1858, RFC 3128, RFC 7112)")                                    \
	X(FRAG_NO_FIRST, "frag_no_first", D,                                   \
	  "fragment whose first part was not seen")                            \
	X(ICMP_UNRELATED, "icmp_unrelated", D,                                 \
	  "ICMP error about a flow that we do not know")                       \
	X(IFACE_TX, "iface_tx", D, "the port it would leave by is lost")       \
	X(APP_PENDING, "app_pending", V,                                       \
	  "rule that decides by application: open until it is known")          \
	X(EXTERNAL_IP, "external_ip", V, "egress to an address of type extip") \
	X(PASS_THROUGH, "pass_through", V,                                     \
	  "egress from a foreign source to an internal address")               \
	X(POLICY_OFF, "policy_off", V,                                         \
	  "network policy is switched off (ctrl_disable_net_policy): open")    \
	X(NAMESPACE, "namespace", V,                                           \
	  "across the bounds of a namespace (ctrl_cfg_nbe)")                   \
	X(NAMESPACE_SERVICE, "namespace_service", V,                           \
	  "egress of a bounded namespace to a service address: open")          \
	X(QUARANTINED, "quarantined", D,                                       \
	  "the port is quarantined (ctrl_add_port_pair.quar)")                 \
	X(CSUM_IP, "csum_ip", D, "the IPv4 header's checksum is wrong")        \
	X(CSUM_L4, "csum_l4", D, "TCP, UDP, ICMP or SCTP checksum is wrong")   \
	X(TUNNEL_MALFORMED, "tunnel_malformed", D,                             \
	  "tunnel header, or the packet in it, is cut short or impossible")    \
	X(TUNNEL_DEPTH, "tunnel_depth", D,                                     \
	  "more tunnels in tunnels than are looked into")                      \
	X(FRAG_DUPLICATE, "frag_duplicate", D,                                 \
	  "the same fragment as before, byte for byte")                        \
	X(FRAG_OVERLAP, "frag_overlap", D,                                     \
	  "fragment over another one of its datagram (RFC 5722)")              \
	X(FRAG_END, "frag_end", D,                                             \
	  "fragments that disagree where their datagram ends")                 \
	X(FRAG_LIMIT, "frag_limit", D,                                         \
	  "more fragments, or larger ones, than a datagram may have")          \
	X(FRAG_TOO_LONG, "frag_too_long", D,                                   \
	  "fragments of more than an IP datagram can hold")                    \
	X(FRAG_ECN, "frag_ecn", D,                                             \
	  "ECN-capable and other fragments in one datagram (RFC 3168)")        \
	X(FRAG_DEAD, "frag_dead", D,                                           \
	  "fragment of a datagram that was refused before")                    \
	X(FRAG_INCOMPLETE, "frag_incomplete", D,                               \
	  "the other fragments of its datagram did not come in time")          \
	X(FRAG_EVICTED, "frag_evicted", D,                                     \
	  "its datagram gave way to newer ones, the memory was full")          \
	X(FRAG_HELD, "frag_held", H,                                           \
	  "fragment that waits for the rest of its datagram")                  \
	X(FLOOD, "flood", D, "over the limit of a flood meter")                \
	X(THREAT, "threat", D, "a threat whose action is to drop")             \
	X(FRAG_QUEUE, "frag_queue", D,                                         \
	  "fragment in an NFQUEUE, which conntrack would have put together")   \
	X(WATCHED, "watched", P,                                               \
	  "the workload is tapped and the frame has no other way on")          \
	X(STREAM_LIMIT, "stream_limit", D,                                     \
	  "TCP bytes out of order, or unread, over a limit (streams)")         \
	X(STREAM_CONFLICT, "stream_conflict", D,                               \
	  "TCP bytes that come again with other content")                      \
	X(STREAM_FIN, "stream_fin", D,                                         \
	  "TCP bytes that disagree with where the connection ended")           \
	X(STREAM_OUTSIDE, "stream_outside", D,                                 \
	  "TCP segment further away than any window reaches")                  \
	X(STREAM_UNSEEN_ACK, "stream_unseen_ack", D,                           \
	  "acknowledges TCP bytes that never came by")                         \
	X(TUNNEL_FRAGMENT, "tunnel_fragment", D,                               \
	  "fragment in a tunnel that is looked into")                          \
	X(FLOW_TABLE_FULL, "flow_table_full", D,                               \
	  "a new flow that the table has no room for (flows.full is drop)")    \
	X(SEND_REFUSED, "send_refused", D,                                     \
	  "it was to go on, but the kernel did not take it (queue full, "      \
	  "longer than the MTU, interface down)")                              \
	X(OTHER_WORKER, "other_worker", D,                                     \
	  "came to a worker (-n) that is not its workload's")                  \
	X(POLICY_ABSENT, "policy_absent", D,                                   \
	  "no policy has come for the workload (policy.absent is drop)")       \
	X(REQUEST, "request", D,                                               \
	  "a request that policy refuses, on a connection that it allows")     \
	X(SIGNATURE, "signature", D,                                           \
	  "a signature's rule says drop or reject; with what is on that "      \
	  "connection then")                                                   \
	X(KILLED, "killed", D, "its session was ended by hand")                \
	X(DLP, "dlp", D, "a sensor found what is not to leave")                \
	X(WAF, "waf", D, "a sensor found what is not to come in")              \
	X(PARSER_ERROR, "parser_error", D,                                     \
	  "what is spoken is not understood any more (inspection.on)")         \
	X(PARSER_LIMIT, "parser_limit", D,                                     \
	  "longer or deeper than its parser follows (inspection.on)")          \
	X(UNPACK_LIMIT, "unpack_limit", D,                                     \
	  "content that grows more than is allowed (inspection.on)")           \
	X(NO_PLACE, "no_place", D,                                             \
	  "a new flow that there is no place to listen to (inspection.on)")    \
	X(SEARCH_LIMIT, "search_limit", D,                                     \
	  "a search in what it says was given up (inspection.on)")

enum reason {
#define X(name, text, kind, what) REASON_##name,
	REASONS(X)
#undef X
		REASON__MAX
};

/* The stable name, "policy_deny"; static storage. */
const char *reason_name(enum reason r);
/* One sentence for a person; static storage. */
const char *reason_text(enum reason r);
/* 'D', 'P', 'V' or 'H', see above. */
char reason_kind(enum reason r);
