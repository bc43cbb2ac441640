"""Sections and fields of a record as LivePerson's pages and samples have them.

Pages: Messaging Interactions API, Methods: Conversations (response entities); Engagement Attributes.
"""

from __future__ import annotations

_AGENT = """
    agentId agentPid agentLoginName agentNickname agentFullName agentDeleted userType userTypeName role
    agentGroupId agentGroupName time timeL permission dialogId
"""
_AGENT_SURVEY = """
    surveyStatus statusReason dialogId surveyId acSurveyId acSurveyName acSurveyRevision surveySkillId
    surveySkillName assignedAgentId assignedAgentNickName assignedAgentName performedByAgentId
    performedByAgentNickName performedByAgentName lastUpdateTime submittedAnswers.questionText
    submittedAnswers.questionId submittedAnswers.questionDefinition submittedAnswers.questionCategory
    submittedAnswers.answers.answer submittedAnswers.answers.answerId
"""
_NAMES = {
    "info": """
        startTime endTime conversationEndTime fullDialogEndTime startTimeL endTimeL conversationEndTimeL
        fullDialogEndTimeL conversationId brandId status fullDialogStatus duration closeReason
        closeReasonDescription firstConversation csatRate mcs alertedMCS source device deviceModel browser
        browserVersion operatingSystem operatingSystemVersion latestSkillId latestSkillName latestAgentId
        latestAgentLoginName latestAgentNickname latestAgentFullName agentDeleted latestAgentGroupId
        latestAgentGroupName latestQueueState isPartial visitorId sessionId interactionContextId timeZone
        language ipAddress features integration integrationVersion appId appVersion wasStepUp
        pendingAgentSurvey firstIntentName firstIntentLabel latestHandlerAccountId latestHandlerSkillId
    """,
    "campaign": """
        campaignEngagementId campaignEngagementName campaignId campaignName goalId goalName
        engagementAgentNote engagementSource visitorBehaviorId visitorBehaviorName engagementApplicationId
        engagementApplicationName engagementApplicationTypeId engagementApplicationTypeName visitorProfileId
        visitorProfileName lobId lobName locationId locationName profileSystemDefault behaviorSystemDefault
    """,
    "monitoring": """
        country countryCode state city isp org device ipAddress browser operatingSystem
        conversationStartPage conversationStartPageTitle
    """,
    "messageRecords": """
        type messageData messageId seq dialogId participantId time timeL sentBy audience
        contextData.rawMetadata contextData.structuredMetadata.botResponse.externalConversationId
        contextData.structuredMetadata.botResponse.businessCases
        contextData.structuredMetadata.botResponse.intents.confidenceScore
        contextData.structuredMetadata.actionReason.reason source device messageData.msg.text
        messageData.file.relativePath messageData.file.fileType messageData.file.caption
        messageData.file.preview messageData.richContent.content messageData.quickReplies.content
    """,
    "messageStatuses": """
        messageId seq time timeL participantId participantType messageDeliveryStatus dialogId
    """,
    "messageScores": """
        messageId messageRawScore mcs time timeL
    """,
    "agentParticipants": _AGENT,
    "agentParticipantsLeave": _AGENT,
    "agentParticipantsActive": _AGENT,
    "consumerParticipants": """
        participantId firstName lastName phone email token avatarURL consumerName time timeL joinTime
        joinTimeL dialogId
    """,
    "transfers": """
        time timeL assignedAgentId assignedAgentLoginName assignedAgentNickname assignedAgentFullName
        targetSkillId targetSkillName sourceSkillId sourceSkillName sourceAgentId sourceAgentLoginName
        sourceAgentNickname sourceAgentFullName by reason dialogId
    """,
    "interactions": """
        assignedAgentId assignedAgentFullName assignedAgentLoginName assignedAgentNickname interactionTime
        interactionTimeL interactiveSequence dialogId
    """,
    "dialogs": """
        dialogId status dialogType dialogChannelType startTime startTimeL endTime endTimeL closeReason
        closeReasonDescription skillId skillName
    """,
    "conversationSurveys": """
        surveyType surveyStatus dialogId surveyId surveyData.question surveyData.answer
        surveyData.questionId surveyData.answerId surveyData.questionType surveyData.questionFormat
        surveyData.answerSeq surveyData.isValidAnswer
    """,
    "latestAgentSurvey": _AGENT_SURVEY,
    "previouslySubmittedAgentSurveys": _AGENT_SURVEY,
    "coBrowseSessions": """
        coBrowseSessionsList.sessionId coBrowseSessionsList.startTime coBrowseSessionsList.startTimeL
        coBrowseSessionsList.endTime coBrowseSessionsList.endTimeL coBrowseSessionsList.interactiveTime
        coBrowseSessionsList.interactiveTimeL coBrowseSessionsList.interactive
        coBrowseSessionsList.endReason coBrowseSessionsList.duration coBrowseSessionsList.type
        coBrowseSessionsList.capabilities coBrowseSessionsList.agentId
    """,
    "summary": """
        text lastUpdatedTime
    """,
    "responseTime": """
        latestEffectiveResponseDueTime configuredResponseTime
    """,
    "intents": """
        messageId selectedClassification.intentName selectedClassification.intentLabel
        selectedClassification.confidenceScore selectedClassification.versions.modelName
        selectedClassification.versions.modelVersion allClassifications.intentName
    """,
    "uniqueIntents": """
        intentName intentLabel
    """,
    "pageView": """
        page title referrer sections visitTime
    """,
    "skillChanges": """

    """,
    "sdes": """
        events.customerInfo.customerInfo.customerStatus events.customerInfo.customerInfo.customerType
        events.customerInfo.customerInfo.balance events.customerInfo.customerInfo.customerId
        events.customerInfo.customerInfo.lastPaymentDate.year
        events.customerInfo.customerInfo.registrationDate.day events.customerInfo.serverTimeStamp
        events.customerInfo.originalTimeStamp
        events.personalInfo.personalInfo.customerAge.customerAgeInYears
        events.personalInfo.personalInfo.contacts.personalContact.email
        events.personalInfo.personalInfo.language
        events.marketingCampaignInfo.marketingCampaignInfo.campaignId events.lead.lead.leadId
        events.serviceActivity.serviceActivity.serviceId events.visitorError.visitorError.resolved
        events.purchase.cart.products.product.sku events.purchase.orderId events.cartStatus.numItems
        events.viewedProduct.products.product.quantityInStock events.searchContent.keywords events.sdeType
        events.serverTimeStamp
    """,
    "unAuthSdes": """
        events.isAuthenticated events.personalInfo.personalInfo.name
    """,
}
FIELDS = {section: names.split() for section, names in _NAMES.items()}
