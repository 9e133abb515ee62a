/* Limits of weir doctor; as base/limits.h. */
#pragma once

/* Text of one check; cut. */
#define DOCTOR_FOUND_MAX 400
/* With less, tables are smaller than they are without limit. */
#define DOCTOR_MEMORY_MB 512
/*
 * Waited for all runtimes together, and then for what those that answer say of
 * themselves; who has not answered by then is told so.
 */
#define DOCTOR_RUNTIMES_S  3
#define DOCTOR_WAIT_MAX_S  600
#define DOCTOR_VERSIONS_MS 2000
/* For the agent's answer. */
#define DOCTOR_AGENT_S 3
/* Files in a CNI folder, and bytes of one, that are looked at. */
#define DOCTOR_CNI_FILES_MAX 64
#define DOCTOR_CNI_BYTES_MAX (256u << 10)
/* Devices whose programs are looked at; of more, the first ones. */
#define DOCTOR_DEVICES_MAX 1024
/* Names of others' programs that are told. */
#define DOCTOR_NAMES_MAX 8
