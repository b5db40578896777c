/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lab guest: what init.c (boot) and agent.c (serving the host) share.
 */
#ifndef LAB_AGENT_H
#define LAB_AGENT_H

#include <stdint.h>

/*
 * File descriptors every command inherits: a workload writes one line per
 * second to the first and its verdict, last of all, to the second.
 */
#define PROGRESS_FD 3
#define VERDICT_FD 4

/* Output of one command beyond this many bytes is dropped, and said so. */
#define OUTPUT_MAX (4u << 20)

#define MAX_JOBS 64
#define MAX_FRAME (1u << 20)

/**
 * struct frame - header of a message in either direction, little-endian
 * @length: bytes of payload that follow
 * @id: job the message is about, chosen by the host
 * @type: one of enum frame_type
 *
 * lab/vm.py speaks the other side of this.
 */
struct frame {
	uint32_t length;
	uint32_t id;
	uint32_t type;
};

_Static_assert(sizeof(struct frame) == 12, "frame header is 12 bytes");

/**
 * enum frame_type - what a message means
 * @FRAME_RUN: host: run the payload by ``sh -c`` in its own process group
 * @FRAME_KILL: host: payload is an int32 signal for the job's process group
 * @FRAME_PUT: host: write a piece of a file (struct put, path, data)
 * @FRAME_END: host: end what still runs and write the guest's verdict
 * @FRAME_HELLO: guest: ready; payload is the kernel release
 * @FRAME_OUTPUT: guest: payload is output of the job
 * @FRAME_EXIT: guest: int32 exit code, or minus the signal; last for the job
 */
enum frame_type {
	FRAME_RUN = 'R',
	FRAME_KILL = 'K',
	FRAME_PUT = 'P',
	FRAME_END = 'E',
	FRAME_HELLO = 'H',
	FRAME_OUTPUT = 'O',
	FRAME_EXIT = 'X',
};

/**
 * struct put - start of the payload of FRAME_PUT, path and data follow
 * @offset: bytes from the start of the file; 0 creates or truncates it
 * @mode: permission bits of a new file
 * @path_length: bytes of path, without a terminator
 */
struct put {
	uint64_t offset;
	uint32_t mode;
	uint32_t path_length;
};

/**
 * struct ports - open virtio-serial ports that only the agent uses
 * @agent: commands in, results out
 */
struct ports {
	int agent;
};

void die(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
void agent_start_heartbeat(void);
void agent_serve(const struct ports *ports) __attribute__((noreturn));

#endif
