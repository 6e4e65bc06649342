package care

var htcdsCodes = []*CodeList{
	// The picklists of HTCDS 2.0, verbatim, the spelling of "Unaquainted" included.
	// What the standard lacks stands last in each list: RestrictsMovement and
	// UsesChildren are on its page of definitions only, ForcedCriminality is needed
	// for claims of non-punishment.
	{Name: "case_states", Source: "HTCDS 2.0 cas_Status (IOM, CC BY 4.0)", Codes: []string{
		"Active", "FollowUp", "Closed", "ClosedReferred",
	}},
	{Name: "genders", Source: "HTCDS 2.0 prs_Gender (IOM, CC BY 4.0)", Codes: []string{
		"Feminine", "Masculine", "TransgenderFeminine", "TransgenderMasculine", "NonConforming",
		"NonSpecifiedUnknown",
	}},
	{Name: "marital_statuses", Source: "HTCDS 2.0 prs_MaritalStatus (IOM, CC BY 4.0)", Codes: []string{
		"Single", "Married", "Widowed", "Divorced", "Separated", "RegisteredPartnership",
	}},
	{Name: "education_levels", Source: "HTCDS 2.0 prs_HighestLevelOfEducation, after ISCED 2011 (IOM, CC BY 4.0)", Codes: []string{
		"EarlyChildhoodEducation", "PrimaryEducation", "LowerSecondaryEducation",
		"UpperSecondaryEducation", "PostSecondaryNonTertiaryEducation", "ShortCycleTertiaryEducation",
		"BachelorsOrEquivalentLevel", "MastersOrEquivalentLevel", "DoctoralOrEquivalentLevel",
	}},
	{Name: "trafficking_statuses", Source: "HTCDS 2.0 vic_TraffickingStatus (IOM, CC BY 4.0)", Codes: []string{
		"PossibleVictimOfTrafficking", "ActualVictimOfTrafficking", "NotAVictimOfTrafficking",
	}},
	{Name: "trafficking_deciders", Source: "HTCDS 2.0 vic_TraffickingStatusDecisionMakingOrg (IOM, CC BY 4.0)", Codes: []string{
		"Police", "NGO", "CourtOrProsecution", "NonPoliceGovernmentalOrganization", "Other",
	}},
	{Name: "trafficker_relationships", Source: "HTCDS 2.0 vic_RelationshipToTrafficker (IOM, CC BY 4.0)", Codes: []string{
		"Familial", "Acquainted", "Unaquainted",
	}},
	{Name: "recruitment_methods", Source: "HTCDS 2.0 vic_MethodOfRecruitment (IOM, CC BY 4.0)", Codes: []string{
		"AtAPlaceOfBusiness", "AtAnEducationalInstitution", "AtWork", "ThroughOnlineSocialNetworks",
		"ThroughAnOnlineAdvertisement", "ThroughATelevisionAdvert", "ThroughANewspaperAdvert",
		"ThroughFamilyOrFamilyEvents", "ThroughFriendsOrSocialEvents", "Other",
	}},
	{Name: "websites_and_apps", Source: "HTCDS 2.0 vic_RecruitmentWebsitesAndApps (IOM, CC BY 4.0)", Codes: []string{
		"Facebook", "Instagram", "WhatsApp", "Telegram", "FacebookMessenger", "Viber", "SnapChat", "Line",
		"4Sale", "WeChat", "QQ", "QZone", "TikTok", "Twitter", "Other",
	}},
	{Name: "control_methods", Source: "HTCDS 2.0 vic_MethodsOfControl (IOM, CC BY 4.0) and local", Codes: []string{
		"PhysicalThreats", "ThreatsLawEnforcement", "ThreatensChildrenFamily", "DebtBondage",
		"FalsePromises", "PhysicalAbuse", "SexualAbuse", "TakesEarnings", "RestrictsFinancialAccess",
		"RestrictsMedicalCare", "WithholdsNecessities", "PsychologicalAbuse", "PsychoactiveSubstance",
		"ExcessiveWorkingHours", "WithholdsDocuments", "Other", "RestrictsMovement", "UsesChildren",
	}},
	{Name: "exploitation_types", Source: "HTCDS 2.0 vic_TypeOfExploitation (IOM, CC BY 4.0) and local", Codes: []string{
		"ForcedLabour", "SexualExploitation", "ChildLabour", "ForcedMarriage", "Servitude",
		"ForcedMilitaryByNonStateActors", "OrganRemoval", "ForcedBegging", "ForcedAdoption", "Surrogacy",
		"Other", "ForcedCriminality",
	}},
	{Name: "sex_exploitation_types", Source: "HTCDS 2.0 vic_TypeOfSexExploitation (IOM, CC BY 4.0)", Codes: []string{
		"Prostitution", "Pornography", "RemoteInteractiveServices", "PrivateSexualServices",
	}},
	{Name: "industries", Source: "HTCDS 2.0 vic_ForcedLabourIndustry, sections of ISIC Rev.4 (IOM, CC BY 4.0)", Codes: []string{
		"A_AgricultureForestryAndFishing", "B_MiningAndQuarrying", "C_Manufacturing",
		"D_ElectricityGasSteamAndAirConditioningSupply", "E_WaterSupplySewerageWasteManagement",
		"F_Construction", "G_WholesaleAndRetailTradeRepairOfMotorVehicles", "H_TransportationAndStorage",
		"I_AccommodationAndFoodServiceActivities", "J_InformationAndCommunication",
		"K_FinancialAndInsuranceActivities", "L_RealEstateActivities",
		"M_ProfessionalScientificAndTechnicalActivities", "N_AdministrativeAndSupportServiceActivities",
		"O_PublicAdministrationAndDefence", "P_Education", "Q_HumanHealthAndSocialWorkActivities",
		"R_ArtsEntertainmentAndRecreation", "S_OtherServiceActivities",
		"T_ActivitiesOfHouseholdsAsEmployers", "U_ActivitiesOfExtraterritorialOrganizations",
	}},
	{Name: "vulnerabilities", Source: "HTCDS 2.0 vic_Vulnerabilities (IOM, CC BY 4.0)", Codes: []string{
		"Addiction", "SocialGroup", "Discrimination", "Poverty", "DisabilityAndPhysicalHealth",
		"MentalHealth", "Migration", "Homelessness", "AbuseSocialMedia", "AbusePhysical", "Education",
		"WorkEnvironment",
	}},
	{Name: "perpetrator_roles", Source: "HTCDS 2.0 per_RoleInProcess (IOM, CC BY 4.0)", Codes: []string{
		"TravellingPartner", "Transporter", "RecruiterOrIntermediary", "BrokerTravelAgent",
		"TransferredIndividual", "HarbouredIndividual", "SoldIndividual", "BoughtIndividual",
		"ReceivedIndividual", "ControlledIndividual", "Smuggler", "Abuser", "Kidnapper", "Exploiter",
		"Other",
	}},
	{Name: "referral_reasons", Source: "HTCDS 2.0 cas_ReasonForIncomingReferral (IOM, CC BY 4.0)", Codes: []string{
		"AdditionalServicesRequired", "MigrationOrChangeOfLocation", "Other",
	}},
	{Name: "exploitation_event_kinds", Source: "HTCDS 2.0 hte_Type (IOM, CC BY 4.0)", Codes: []string{
		"Recruitment", "Transit", "Exploitation",
	}},
}
