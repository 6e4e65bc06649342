package care

var medicineCodes = []*CodeList{
	{Name: "medicine_codes", Source: "WHO ATC, RxNorm or SNOMED CT, see code_system beside it", Open: true, Pattern: clinicalCode},
	{Name: "medicine_forms", Source: "EDQM Standard Terms, pharmaceutical dose forms; words local", Open: true, Pattern: `[0-9A-Za-z][0-9A-Za-z _,/()-]{0,79}`, Codes: []string{
		"tablet", "capsule", "oral_solution", "oral_suspension", "oral_powder", "syrup", "drops", "eye_drops", "ear_drops", "nasal_spray",
		"inhaler", "cream", "ointment", "gel", "patch", "suppository", "pessary", "injection", "implant", "intrauterine", "lozenge"}},
	// SNOMED CT, with the EDQM route of the same name where there is one
	// (medicine_routes of FHIR R4: SNOMED CT Route Codes).
	{Name: "medicine_routes", Source: "SNOMED CT Route Codes (FHIR R4 route-codes); EDQM and v3 routes as imported", Open: true, Pattern: clinicalCode, Codes: []string{
		RouteOral, RouteSublingual, RouteInhaled, RouteNasal, RouteEye, RouteEar, RouteSkin, RouteTransdermal,
		RouteRectal, RouteVaginal, RouteSubcutaneous, RouteIntramuscular, RouteIntravenous, RouteIntrauterine}},
	{Name: "medicine_frequencies", Source: "FHIR R4 timing-abbreviation (HL7 v3 GTSAbbreviation); STAT from v2 table 0335", Open: true, Pattern: `[0-9A-Za-z][0-9A-Za-z /x.,-]{0,79}`, Codes: []string{
		"QD", "BID", "TID", "QID", "AM", "PM", "BED", "QOD", "Q1H", "Q2H", "Q3H", "Q4H", "Q6H", "Q8H", "WK", "MO", "STAT"}},
	{Name: "medicine_times", Source: "FHIR R4 event-timing, several times of a day joined", Codes: []string{
		"MORN", "NOON", "EVE", "NIGHT", "MORN-NOON", "MORN-EVE", "MORN-NIGHT", "NOON-EVE", "NOON-NIGHT", "EVE-NIGHT",
		"MORN-NOON-EVE", "MORN-NOON-NIGHT", "MORN-EVE-NIGHT", "NOON-EVE-NIGHT", "MORN-NOON-EVE-NIGHT"}},
	{Name: "medicine_food", Source: "FHIR R4 event-timing", Codes: []string{"C", "AC", "PC"}},
	{Name: "substances", Source: "international nonproprietary names, after the WHO Model List of Essential Medicines", Open: true, Codes: []string{
		"abacavir", "aciclovir", "albendazole", "amiodarone", "amitriptyline", "amlodipine", "amoxicillin", "amoxicillin + clavulanic acid",
		"artemether + lumefantrine", "ascorbic acid", "aspirin", "atazanavir", "atenolol", "atorvastatin", "azithromycin",
		"beclometasone", "bedaquiline", "benzathine benzylpenicillin", "bisoprolol", "budesonide", "buprenorphine",
		"captopril", "carbamazepine", "cefalexin", "cefixime", "ceftriaxone", "cetirizine", "chlorpromazine", "ciprofloxacin", "clarithromycin",
		"clindamycin", "clomipramine", "clonazepam", "clotrimazole", "codeine", "colecalciferol", "copper intrauterine device",
		"dapsone", "darunavir", "diazepam", "diclofenac", "digoxin", "dolutegravir", "dolutegravir + lamivudine + tenofovir", "doxycycline",
		"efavirenz", "emtricitabine + tenofovir", "enalapril", "entecavir", "erythromycin", "escitalopram", "estradiol", "ethambutol",
		"etonogestrel", "ferrous sulfate", "fluconazole", "fluoxetine", "folic acid", "formoterol + budesonide", "furosemide",
		"gabapentin", "glibenclamide", "gliclazide", "griseofulvin", "haloperidol", "hydrochlorothiazide", "hydrocortisone", "hydroxyzine",
		"ibuprofen", "insulin glargine", "insulin human (isophane)", "insulin human (soluble)", "ipratropium", "isoniazid", "ivermectin",
		"lactulose", "lamivudine", "lamotrigine", "levodopa + carbidopa", "levofloxacin", "levonorgestrel", "levothyroxine", "lithium carbonate",
		"loperamide", "loratadine", "losartan", "mebendazole", "medroxyprogesterone acetate", "metformin", "methadone", "methyldopa",
		"metoclopramide", "metronidazole", "mirtazapine", "misoprostol", "morphine", "nifedipine", "nitrofurantoin", "olanzapine", "omeprazole",
		"ondansetron", "oral rehydration salts", "paracetamol", "paroxetine", "permethrin", "phenobarbital", "phenytoin", "prazosin",
		"praziquantel", "prednisolone", "promethazine", "propranolol", "pyrazinamide", "quetiapine", "ranitidine", "rifampicin", "risperidone",
		"ritonavir", "salbutamol", "sertraline", "simvastatin", "sofosbuvir", "spironolactone", "sulfamethoxazole + trimethoprim", "tenofovir disoproxil",
		"tramadol", "ulipristal", "valproic acid", "venlafaxine", "verapamil", "warfarin", "zidovudine", "zinc sulfate", "zolpidem"}},
}

// Routes of administration, SNOMED CT (IPS medicine-route-uv-ips accepts EDQM
// too; EDQMRoutes maps).
const (
	RouteOral          = "26643006"
	RouteSublingual    = "37839007"
	RouteInhaled       = "447694001" // respiratory tract route
	RouteNasal         = "46713006"
	RouteEye           = "54485002"
	RouteEar           = "10547007"
	RouteSkin          = "6064005" // topical
	RouteTransdermal   = "45890007"
	RouteRectal        = "37161004"
	RouteVaginal       = "16857009"
	RouteSubcutaneous  = "34206005"
	RouteIntramuscular = "78421000"
	RouteIntravenous   = "47625008"
	RouteIntrauterine  = "58100008"
)

// EDQMRoutes maps routes of EDQM Standard Terms to SNOMED CT, for imports.
var EDQMRoutes = map[string]string{
	"20053000": RouteOral,
	"20067000": RouteSublingual,
	"20020000": RouteInhaled,
	"20049000": RouteNasal,
	"20051000": RouteEye,
	"20001000": RouteEar,
	"20003000": RouteSkin,
	"20070000": RouteTransdermal,
	"20061000": RouteRectal,
	"20072000": RouteVaginal,
	"20066000": RouteSubcutaneous,
	"20035000": RouteIntramuscular,
	"20045000": RouteIntravenous,
}
