/*
 * Limits of signatures; part of base/limits.h, which is what to include.
 */
#pragma once

/* --- signatures -------------------------------------------------------- */

/* Rules of one list: ET Open has 40,000, half of them switched off. E2BIG. */
#define SIG_RULES_MAX 32768
/* Files of one weir_rules, bytes of a file's name, variables. Refused: E2BIG. */
#define SIG_FILES_MAX	       256
#define SIG_FILE_NAME_MAX      255
#define SIG_VARIABLE_NAMES_MAX 256
/* A file of rules: ET Open is 30 MB. Longer: E2BIG. */
#define SIG_FILE_BYTES_MAX (64u << 20)
/* One rule with its line breaks undone. Longer: it is refused. */
#define SIG_RULE_BYTES_MAX 16384
/* Refused rules that are named; the rest is only counted. */
#define SIG_FAULTS_MAX 4096
/* A rule's buffers, things asked of all of them, and of one. Refused. */
#define SIG_GROUPS_MAX 16
#define SIG_ITEMS_MAX  64
/*
 * Results of transforms that are kept while one piece is looked at, 68 KiB each;
 * one more, and the oldest is made anew when it is asked for again.
 */
#define SIG_CHANGED_KEPT 4
/* Transforms of one buffer; ours want 5. More: the rule is refused. */
#define SIG_TRANSFORMS_MAX 6
/* Bytes of a content: it and what is around it must fit a window. Refused. */
#define SIG_CONTENT_MAX 1024
/* Bytes of an expression. Longer: the rule is refused. */
#define SIG_PCRE_MAX 4096
/* Variables of byte_extract in one rule. More: refused. */
#define SIG_VARIABLES_MAX 8
/* Addresses, or ports, of one side of a rule, variables undone. Refused. */
#define SIG_RANGES_MAX 512
/* Variables within each other ($A is [$B,$C]), and lists. Deeper: refused. */
#define SIG_DEPTH_MAX 8
/*
 * What of a fast pattern is searched for. More would find fewer candidates, but
 * so many bytes of what was before are looked at again with each piece.
 */
#define SIG_FAST_BYTES 32
/*
 * Searches that are remembered with what they found, of one worker and set: 256 of
 * at most 1,536 bytes, 400 KiB, touched when used: the fields of what is going on
 * just now, and a piece as long as a frame. Longer, or with more patterns in it: it
 * is searched each time. One more drives another out.
 */
#define SIG_MEMO_PLACES 256
#define SIG_MEMO_BYTES	1536
#define SIG_MEMO_HITS	8
/*
 * Fields of heads that came before (proto_piece.same) and have nothing in them, by
 * number, of one worker and set, 4 KiB. One more drives another out, and is searched.
 */
#define SIG_QUIET_PLACES 512
/* Bytes of what base64_decode makes. The rest is not looked at. */
#define SIG_BASE64_MAX 4096
/*
 * Steps of one expression in PCRE2's count, and its stack; Suricata's is 3,500.
 * Met: it does not match, counted (pcre_limit).
 */
#define SIG_PCRE_STEPS 10000
#define SIG_PCRE_STACK (256u << 10)
/*
 * Bytes that may be searched through to confirm what was found in one piece, and
 * what each search costs beside: some 100 us. Met: what is left of the piece's
 * candidates does not match, counted (work_limit).
 */
#define SIG_WORK_MAX  (1 << 20)
#define SIG_WORK_EACH 16
/* Names of flowbits in all rules: 16 bits. More: the rule is left out. */
#define SIG_BIT_NAMES_MAX 65535
/*
 * Connections of one worker that signatures look at, some 700 bytes each. One
 * more is not looked at: no_flow.
 */
#define SIG_FLOWS_DEFAULT STREAMS_DEFAULT
#define SIG_FLOWS_MAX	  STREAMS_MAX
/*
 * Bytes of a buffer in pieces that are kept, so that what is over a border is
 * found: the longest content, and what is around it. Suricata has 4 KiB, for
 * bodies.
 */
#define SIG_WINDOW 2048
/*
 * A block has a window and room for a piece, or the whole fields of a request.
 * One a side of a connection with raw bytes, one or two a request; 4 KiB each. All
 * in use: pieces are looked at alone, no_block.
 */
#define SIG_BLOCK_BYTES	   4096
#define SIG_BLOCKS_DEFAULT 8192
#define SIG_BLOCKS_MAX	   (1u << 20)
/* Bytes that are looked at at a time: a GSO frame's. More: one after another. */
#define SIG_PIECE_MAX 65536
/* Buffers in pieces of one side at a time: headers, body, text, raw. no_block */
#define SIG_BUFS 4
/*
 * Signatures half matched: of one side's request, of one worker. One more is
 * forgotten: no_waiting.
 */
#define SIG_WAITING_SIDE    32
#define SIG_WAITING_DEFAULT 65536
#define SIG_WAITING_MAX	    (1u << 20)
/* Rules that are told once a request: the last so many are remembered. */
#define SIG_TOLD 8
/* Rules that match in one call: told in order. More: in several turns. */
#define SIG_READY_MAX 64
/* What a connection is known to speak, from http to wordpress. */
#define SIG_APPS 4
/* Flowbits of one connection. One more is not set: bits_full. */
#define SIG_FLOW_BITS 16
/* Thresholds that count at a time. The oldest gives way: rates_evicted. */
#define SIG_RATES_DEFAULT 16384
#define SIG_RATES_MAX	  (1u << 20)
/* Raw bytes of a side that are looked at; Suricata's depth. beyond_depth */
#define SIG_PAYLOAD_DEPTH_DEFAULT (1u << 20)
/*
 * Sets in use at a time, the current one too. One more: the oldest one's
 * connections are no longer looked at: sets_dropped.
 */
#define SIG_SETS_MAX 4
/*
 * Of all workers together, and one that comes: each may hold on to others. The
 * oldest one's connections are given up: sets_dropped.
 */
#define DETECTION_SETS_MAX (SIG_SETS_MAX + 1)
/* Of what was refused, told in an answer; the rest is counted. */
#define FAULTS_TOLD_MAX 100
/* What is shown around a match, before it and behind. */
#define SIG_AROUND_BYTES 64
/* Things asked of a packet's headers, flowbits of one rule. Refused. */
#define SIG_HEADERS_MAX 16
#define SIG_BITS_MAX	16
