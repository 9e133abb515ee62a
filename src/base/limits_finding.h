/*
 * Limits of what detection finds (wire/records.h, detect/finding.h), each with
 * its reason and what happens when it is met.
 */
#pragma once

/*
 * Findings (kind, id, workload, flags) whose repeats are counted, 1.2 KB each.
 * Full: the one not repeated longest is logged and gives way.
 */
#define FINDING_SLOTS_MAX 1024
/* Records that wait for the control thread. Full: see detect/tally.h */
#define FINDING_RECORDS_MAX 256
/*
 * Texts of a finding, NUL included; cut. Rules of others have messages of up to
 * 100 characters and classes of up to 30.
 */
#define FINDING_NAME_MAX  128
#define FINDING_CLASS_MAX 40
/* Method, host and path, or the words of a statement: what one can read. */
#define FINDING_REQUEST_MAX 256
/*
 * Of the match, and of what stands on each side of it; so both, with two marks of
 * 2 bytes, fit into the evidence. Cut.
 */
#define EVIDENCE_MATCH_MAX   120
#define EVIDENCE_CONTEXT_MAX 60
#define FINDING_EVIDENCE_MAX 248
/* Raw bytes, the match in their middle. Cut. */
#define FINDING_RAW_MAX 256
/* Findings of one packet that wait for their request line. Told without one. */
#define FOUND_HELD_MAX 4
/* Findings kept by the control thread for who asks: as TOLD_THREATS_MAX. */
#define TOLD_FINDINGS_MAX (2 * FINDING_RECORDS_MAX)
/* In one answer of the own door, without and with raw bytes, so that they fit. */
#define FINDINGS_PER_ANSWER	30
#define FINDINGS_RAW_PER_ANSWER 24
/* Findings copied by a worker between two batches: 1.2 KB each. */
#define FINDINGS_PER_QUESTION 16
