/** The messages between SDK and server: their constructors and enums, which Node cannot import by name. */

import messages from '@temporalio/proto';

export const { WorkflowActivation, WorkflowActivationJob } = messages.coresdk.workflow_activation;
export const { WorkflowCommand } = messages.coresdk.workflow_commands;
export const { RetryState, TimeoutType } = messages.temporal.api.enums.v1;
