import { z } from 'zod';
import { decimal, integer } from './environment-values.js';

const ROLES = ['user', 'assistant', 'system'] as const;
const expectedRoles = `expected some of ${ROLES.join(', ')}, separated by commas`;

/** The environment variables that bound a run of an agent. */
export const agentEnvironment = {
  AGENT_RUN_TIMEOUT_SECONDS: integer(1, 3600).default(240),
  AGENT_MAX_ANSWER_BYTES: integer(1, 1_073_741_824).default(4_194_304),
  AGENT_MAX_MESSAGE_BYTES: integer(1, 1_048_576).default(262_144),
  AGENT_ALLOWED_ROLES: z
    .string()
    .toLowerCase()
    .transform((text) => text.split(',').map((role) => role.trim()))
    .pipe(z.array(z.enum(ROLES, expectedRoles)))
    .default([...ROLES]),
  AGENT_AUTHORIZE: z.enum(['none', 'easyauth'], 'expected none or easyauth').default('none'),
  AGENT_MAX_ATTEMPTS: integer(1, 1000).default(5),
  APPROVAL_TIMEOUT_HOURS: decimal(0.001, 8760).default(168),
  AGENT_WAIT_SECONDS: integer(1, 200).default(30),
  AGENT_WAIT_TIMEOUT_STATUS: z
    .enum(['202', '500'], 'expected 202 or 500')
    .default('500')
    .transform((status): 202 | 500 => (status === '202' ? 202 : 500)),
};

const environment = z.object(agentEnvironment);

export function toAgentSettings(values: z.infer<typeof environment>) {
  return {
    /** Maximum duration of a run, including callbacks. */
    runTimeoutSeconds: values.AGENT_RUN_TIMEOUT_SECONDS,
    /** Maximum size of a model's answer, including reasoning, in bytes of UTF-8. */
    maxAnswerBytes: values.AGENT_MAX_ANSWER_BYTES,
    /** Maximum size of a request's message, in bytes of UTF-8. */
    maxMessageBytes: values.AGENT_MAX_MESSAGE_BYTES,
    /** The roles that callers may use. */
    allowedRoles: values.AGENT_ALLOWED_ROLES,
    /** `none`: every caller reaches every thread. `easyauth`: users reach only their own threads. */
    authorize: values.AGENT_AUTHORIZE,
    /** Maximum number of deliveries of a run that crashes interrupt. */
    maxAttempts: values.AGENT_MAX_ATTEMPTS,
    /** How long a tool call waits for approval before the approval expires. */
    approvalTimeoutHours: values.APPROVAL_TIMEOUT_HOURS,
    /** How long a request waits for its run to end. */
    waitSeconds: values.AGENT_WAIT_SECONDS,
    /** Status of the response after this wait. The run continues. */
    waitTimeoutStatus: values.AGENT_WAIT_TIMEOUT_STATUS,
  };
}
