/**
 * Models of which members of one workspace, whatever their role, see different rows: their own, and
 * others' that these show. What reads them cannot be executed for many people at once.
 */
export const PERSONAL_MODELS: ReadonlySet<string> = new Set([
  'Invitation',
  'OnboardingResponse',
  'PlanSubscription',
  'UserAchievement',
  'UserNotification',
]);
