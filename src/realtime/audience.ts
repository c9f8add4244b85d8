/**
 * Models of which members of one workspace, whatever their role, see different rows: their own, and
 * others' that these show. What reads them cannot be executed for many people at once.
 */
export const PERSONAL_MODELS: ReadonlySet<string> = new Set([
  'OnboardingResponse',
  'PlanSubscription',
  'UserAchievement',
  'UserNotification',
]);

/**
 * Models of which some changes, or all, are told to one person only. Colleagues see a profile, but
 * it belongs to no workspace whose members could be told of its changes.
 */
export const OWN_CHANGE_MODELS: ReadonlySet<string> = new Set([...PERSONAL_MODELS, 'UserProfile']);
